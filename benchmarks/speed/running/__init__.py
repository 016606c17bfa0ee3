"""How long `velatune run` takes."""
