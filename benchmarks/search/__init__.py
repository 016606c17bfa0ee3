"""How good searches are."""
