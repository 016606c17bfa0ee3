"""Whether a program has something that Vela is known to compile wrongly."""
