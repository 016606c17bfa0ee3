"""What a candidate costs: predicted, simulated and measured, and what is minimised."""
