"""The programs that a search has seen, how passes lead from one to the next, and where it may begin."""
