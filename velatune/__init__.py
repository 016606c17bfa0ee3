"""The public face of velatune."""
