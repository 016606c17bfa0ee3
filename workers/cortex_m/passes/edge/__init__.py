"""Rewrites before ExecuTorch's own passes have chosen kernels."""
