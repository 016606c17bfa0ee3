"""Each rewrite of a layout on the smallest PyTorch program that needs it.

It also prints what is left over the suite.
"""
