"""How far predictions are off: against evidence, and against Vela's own estimate."""
