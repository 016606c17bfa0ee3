"""Slices that are read from another place than they begin at."""
