"""Cycles as time at a board's clock."""

from __future__ import annotations


def milliseconds(cycles: int, clock_hz: float) -> str:
    """The time that cycles take, without a unit.

    Args:
        cycles: at the clock's rate.
        clock_hz: in Hz, above 0.

    Returns:
        Milliseconds with three decimals, as in `7.713`.
    """
    return f"{1000 * cycles / clock_hz:,.3f}"


def time_at(cycles: int, clock_hz: float | None) -> str:
    """The time that cycles take, and the clock.

    Args:
        cycles: at the clock's rate.
        clock_hz: in Hz; None if it is not known.

    Returns:
        As in `7.713 ms at 160 MHz`; empty if there is no clock.
    """
    return "" if clock_hz is None else f"{milliseconds(cycles, clock_hz)} ms at {clock_hz / 1e6:g} MHz"


def timed(cost: str, cycles: int, clock_hz: float | None) -> str:
    """A cost, and what time it takes at a clock if there is one.

    Args:
        cost: in words.
        cycles: the same in cycles.
        clock_hz: in Hz; None if it is not known.

    Returns:
        As in `1,234,000 cycles, 7.713 ms at 160 MHz`.
    """
    return ", ".join(filter(None, (cost, time_at(cycles, clock_hz))))
