"""Scales, rounding and narrowing that are wrong."""
