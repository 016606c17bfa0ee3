"""Commands that tune whole suites, and what they share."""
