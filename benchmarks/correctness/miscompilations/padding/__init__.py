"""Padding that is lost or misplaced."""
