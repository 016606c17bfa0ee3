"""A best in one line for people."""

from __future__ import annotations

from collections.abc import Iterable

from results.compare import figures_of, gain_of
from results.measurement import Measurement
from results.prediction_error import WITHIN, error_for
from results.records import Best


def timed(cycles: int, clock_hz: float | None) -> str:
    """Cycles, and what time they take at a clock if there is one."""
    if clock_hz is None:
        return f"{cycles:,} cycles"
    return f"{cycles:,} cycles, {1000 * cycles / clock_hz:,.3f} ms at {clock_hz / 1e6:g} MHz"


def brief(best: Best, measurements: Iterable[Measurement] = (), clock_hz: float | None = None) -> str:
    """Its cycles with their label, how far such predictions are off, and the gain.

    measurements: the user's own, which say how far predictions are off. clock_hz: of the board, for the time.
    """
    _, tuned = figures_of(best)
    gain, error = gain_of(best), error_for(best.identity, measurements)
    off = f", {error} on {error.basis}" if error is not None else ", error unknown"
    within = f", {WITHIN}" if error is not None and error.covers(gain) else ""
    return f"{timed(tuned.cycles, clock_hz)} ({tuned.label}{off}), {gain.percent:.1f} % fewer than the default{within}"
