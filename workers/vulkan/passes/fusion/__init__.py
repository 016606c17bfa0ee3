"""Rewrites that say what is fused into one operator."""
