"""Each rewrite of a layout shown on the smallest PyTorch program that needs it, and what is left over the suite."""
