"""Buffers of a model, and what else it carries from one run to the next."""
