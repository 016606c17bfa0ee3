"""Transposes that are computed wrongly."""
