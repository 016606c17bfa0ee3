"""Programs that Vela compiles wrongly: the smallest of each kind, which versions do it, and what shows it."""
