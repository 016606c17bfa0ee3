"""Batches, bricks and reshaped tensors that are read in a wrong shape."""
