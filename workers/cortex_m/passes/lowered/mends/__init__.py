"""Rewrites of what the processor would compute wrongly, or not at all."""
