"""Models that benchmarks search beside the built-in ones."""
