"""Random copies, gathers, slices and concatenations."""
