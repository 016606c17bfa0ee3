"""Ray: kills, interrupts, dispatch, and the arithmetic of large sweeps."""
