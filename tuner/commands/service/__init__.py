"""Commands of the results service."""
