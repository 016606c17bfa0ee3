"""A best in one line for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from results.records.best import Best
from results.records.clock import timed
from results.records.compare import figures_of, gain_of
from results.records.families import family_of
from results.records.figures import OperatorRow
from results.records.measurement import Measurement
from results.reports.prediction_error import WITHIN, error_for


def brief(
    best: Best, measurements: Iterable[Measurement] = (), clock_hz: float | None = None,
    operators: Sequence[OperatorRow] = (),
) -> str:  # fmt: skip
    """The cycles of a best with their label, how far such predictions are off, and the gain.

    Args:
        best: what to describe.
        measurements: the user's own, which say how far predictions are off.
        clock_hz: of the board in Hz, for the time; None leaves it out.
        operators: of the best, where it comes from a lookup and has none itself.

    Returns:
        One line.
    """
    default, tuned = figures_of(best)
    family = family_of(best.identity.target.family)
    gain, error = gain_of(best), error_for(best.identity, measurements, operators or best.best.operators)
    off = f", {error.on_basis}" if error is not None else ", error unknown"
    within = f", {WITHIN}" if error is not None and error.covers(gain) else ""
    change = f"{abs(gain.percent):.1f} % {'fewer' if gain.percent >= 0 else 'more'} than the default{within}"
    if not family.has_ratio:
        off, change = "", f"where the default has {family.cost_text(default.cycles, default.metrics)}"
    wrong = ", which computes wrong outputs" if best.default_fault else ""
    cost = timed(family.cost_text(tuned.cycles, tuned.metrics), tuned.cycles, clock_hz)
    return f"{cost} ({tuned.label}{off}), {change}{wrong}"
