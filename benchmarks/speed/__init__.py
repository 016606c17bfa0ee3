"""How long searches, commands and single steps take."""
