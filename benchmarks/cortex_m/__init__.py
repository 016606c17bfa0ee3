"""Cortex-M: fitted costs, kernel calls, and the table of its page."""
