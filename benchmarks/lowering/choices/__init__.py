"""Lowering choices on the smallest real programs that they apply to."""
