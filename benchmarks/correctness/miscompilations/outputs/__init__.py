"""Outputs and indices that are lost or overwritten."""
