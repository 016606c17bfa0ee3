"""A best in one line for people."""

from __future__ import annotations

from collections.abc import Iterable

from results.compare import figures_of, gain_of
from results.measurement import Measurement
from results.prediction_error import WITHIN, error_for
from results.records import Best


def brief(best: Best, measurements: Iterable[Measurement] = ()) -> str:
    """Its cycles with their label, how far such predictions are off, and the gain.

    measurements: the user's own, which say how far predictions are off.
    """
    _, tuned = figures_of(best)
    gain, error = gain_of(best), error_for(best.identity, measurements)
    off = f", {error} on {error.basis}" if error is not None else ", error unknown"
    within = f", {WITHIN}" if error is not None and error.covers(gain) else ""
    return f"{tuned.cycles:,} cycles ({tuned.label}{off}), {gain.percent:.1f} % fewer than the default{within}"
