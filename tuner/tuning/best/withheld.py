"""Cheaper candidates that are not offered because they exceed a limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.families import family_of
from results.records.figures import Figures
from tuner.tuning.objective import Objective


@dataclass(frozen=True)
class Withheld:
    """A candidate that is cheaper than the best but exceeds the limits.

    Attributes:
        figures: of a right candidate that is cheaper than the best.
        limits: what it is beyond, in words.
        family: of the target.
    """

    figures: Figures
    best_cycles: int
    limits: tuple[str, ...]
    family: str

    def __str__(self) -> str:
        family, cost = family_of(self.family), self.figures.cycles
        fewer = f", {100 * (1 - cost / self.best_cycles):.1f} % fewer than the best," if family.has_ratio else ""
        found = family.cost_text(cost, self.figures.metrics)
        return f"a candidate with {found}{fewer} is not offered: {' and '.join(self.limits)}"


def cheapest_withheld(best: Best, evaluations: Iterable[Evaluation], objective: Objective) -> Withheld | None:
    """The cheapest right candidate that costs less than the best and is beyond a limit; None if there is none.

    Args:
        best: what the search offers.
        evaluations: of the best's identity.
        objective: with the limits.

    Returns:
        The candidate with the limits it is beyond.
    """
    limits = objective.on(best.identity.target.family)
    default, offered = best.default.figures, best.best.figures
    assert default is not None and offered is not None
    found: Withheld | None = None
    for one in evaluations:
        if one.figures is None or not one.verified:
            continue
        if one.figures.cycles >= (found.figures.cycles if found else offered.cycles):
            continue
        if beyond := limits.violations(one.figures, default):
            found = Withheld(one.figures, offered.cycles, tuple(beyond), best.identity.target.family)
    return found


def best_by_quality(evaluations: Iterable[Evaluation]) -> Evaluation | None:
    """Of the candidates that lose more quality than is allowed, the one with the best; None if there is none."""
    qualities = [(one, one.quality) for one in evaluations if one.quality is not None and one.quality.shortfall]
    found = max(qualities, key=lambda one: (one[1].metric or 0.0, one[1].sqnr_db), default=None)
    return found[0] if found else None


def least_sram(evaluations: Iterable[Evaluation]) -> int | None:
    """Bytes of SRAM of the right candidate that needs least; None if none was right."""
    return min((one.figures.sram_bytes for one in evaluations if one.figures and one.verified), default=None)
