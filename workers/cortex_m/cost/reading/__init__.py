"""Reads nodes of a lowered program: the call of a kernel, with its sizes."""
