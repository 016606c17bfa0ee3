"""Sweeps on Ray: kills, dispatch, and the arithmetic of large sweeps."""
