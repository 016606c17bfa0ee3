"""Constants that are overwritten or taken for others."""
