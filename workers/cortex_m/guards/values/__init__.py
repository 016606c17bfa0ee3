"""Guards of what values stand for."""
