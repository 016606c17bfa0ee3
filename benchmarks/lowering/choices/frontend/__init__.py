"""Minimal programs of choices that are taken before lowering."""
