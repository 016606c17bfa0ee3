"""Command streams of the built-in models, executed and compared with the TOSA reference model."""
