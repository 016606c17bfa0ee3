"""Formulas of ExecuTorch's portable operators."""
