"""Minimal programs of choices for elementwise operators."""
