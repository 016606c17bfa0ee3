"""A best in one line for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from results.records.best import Best
from results.records.clock import timed
from results.records.compare import figures_of, gain_of
from results.records.figures import OperatorRow
from results.records.measurement import Measurement
from results.reports.prediction_error import WITHIN, error_for


def brief(
    best: Best, measurements: Iterable[Measurement] = (), clock_hz: float | None = None,
    operators: Sequence[OperatorRow] = (),
) -> str:  # fmt: skip
    """Its cycles with their label, how far such predictions are off, and the gain.

    Args:
        measurements: the user's own, which say how far predictions are off.
        clock_hz: of the board, for the time.
        operators: of the best, where it comes from a lookup and has none itself.
    """
    _, tuned = figures_of(best)
    gain, error = gain_of(best), error_for(best.identity, measurements, operators or best.best.operators)
    off = f", {error.on_basis}" if error is not None else ", error unknown"
    within = f", {WITHIN}" if error is not None and error.covers(gain) else ""
    change = f"{abs(gain.percent):.1f} % {'fewer' if gain.percent >= 0 else 'more'} than the default{within}"
    wrong = ", which computes wrong outputs" if best.default_fault else ""
    return f"{timed(tuned.cycles, clock_hz)} ({tuned.label}{off}), {change}{wrong}"
