"""Operators that the kernels compute rightly in some shapes alone, and in some orders of axes."""
