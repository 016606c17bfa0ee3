"""Per kernel of CMSIS-NN and per portable kernel, how often each of its loops runs for a call.

A formula maps a call to named counts, such as `block_outs_k16`: how often a loop body runs. Instructions of a call are
the sum of counts times coefficients; `python -m benchmarks.cortex_m.costs` fits the coefficients to counted rows. The
loops were read in the C source of CMSIS-NN 99f736a. A formula's docstring says which function it follows.
"""
