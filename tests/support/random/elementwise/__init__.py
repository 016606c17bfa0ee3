"""Random elementwise operators."""
