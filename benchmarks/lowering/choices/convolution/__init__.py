"""Minimal programs of choices for convolutions."""
