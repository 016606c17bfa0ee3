"""Random convolutions and what they are made of."""
