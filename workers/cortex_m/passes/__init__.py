"""Passes for Cortex-M, one file each; recipes find them by the entry point of this package.

Those in `lowered` work on the program after all of ExecuTorch's own passes. There every convolution is a kernel call on
NHWC values. Those in `edge` work on it before them. Those in `float_model` change the model before it is quantised.
"""
