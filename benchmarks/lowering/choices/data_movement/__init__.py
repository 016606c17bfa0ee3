"""Minimal programs of choices for copies and transposes."""
