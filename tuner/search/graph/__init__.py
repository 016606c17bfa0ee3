"""The programs that a search has seen, the passes between them, and where a search may begin."""
