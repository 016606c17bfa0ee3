"""Delegates of a lowered program: their edges, and running the program with them."""
