"""Rewrites of a model on its way to Cortex-M, one file each, inserted into ExecuTorch's list of passes.

`registry.rewrites()` has them by name. Those in `lowered` work on the program after all of ExecuTorch's own passes,
where every convolution is a kernel call on NHWC values; those in `edge` before them.
"""
