"""ExecuTorch's passes for Cortex-M, with passes of our own for what they refuse or would lower wrongly."""
