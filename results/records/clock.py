"""Cycles as time at a board's clock."""

from __future__ import annotations


def milliseconds(cycles: int, clock_hz: float) -> str:
    """The time that cycles take, without a unit."""
    return f"{1000 * cycles / clock_hz:,.3f}"


def time_at(cycles: int, clock_hz: float | None) -> str:
    """As in `7.713 ms at 160 MHz`; empty if there is no clock."""
    return "" if clock_hz is None else f"{milliseconds(cycles, clock_hz)} ms at {clock_hz / 1e6:g} MHz"


def timed(cycles: int, clock_hz: float | None, unit: str = "cycles") -> str:
    """Cycles, and what time they take at a clock if there is one. unit: what they are called, if not cycles."""
    return ", ".join(filter(None, (f"{cycles:,} {unit}", time_at(cycles, clock_hz))))
