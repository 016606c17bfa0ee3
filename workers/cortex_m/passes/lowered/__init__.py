"""Rewrites of kernel calls."""
