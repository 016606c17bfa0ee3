"""Fronts of cycles against SRAM or against quality among the candidates of a search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from results.records.best import Best
from results.records.compare import figures_of
from results.records.evaluation import Evaluation
from results.records.figures import Figures, Quality

#: Of quality there should be much, of SRAM little.
Against = Literal["SRAM", "quality"]


@dataclass(frozen=True)
class Limits:
    """What a candidate on the front may cost at most; None for no limit."""

    sram_bytes: int | None = None
    flash_bytes: int | None = None

    def allow(self, figures: Figures) -> bool:
        bounds = (
            (figures.sram_bytes, self.sram_bytes),
            (figures.flash_bytes, self.flash_bytes),
        )
        return all(limit is None or value <= limit for value, limit in bounds)


@dataclass(frozen=True)
class Point:
    """A candidate, what it costs, and how good it is where that was measured."""

    recipe: str
    figures: Figures
    quality: Quality | None = None

    def value(self, against: Against) -> float:
        """Bytes of SRAM, or dB of SQNR of a candidate that was measured."""
        if against == "SRAM":
            return self.figures.sram_bytes
        assert self.quality is not None
        return self.quality.sqnr_db

    def place(self, against: Against) -> tuple[float, float]:
        """Cycles, and the other thing so that less of it is better."""
        return self.figures.cycles, self.value(against) if against == "SRAM" else -self.value(against)


@dataclass(frozen=True)
class Pareto:
    """All candidates that are right.

    Attributes:
        front: those within the limits that no other one within them beats, the fewest cycles first. To beat is to
            be no worse in cycles and in SRAM or quality, and better in one. Of those in one place the shortest recipe.
        others: within the limits too.
        beyond: beyond a limit.
    """

    front: tuple[Point, ...]
    others: tuple[Point, ...]
    beyond: tuple[Point, ...]
    against: Against = "SRAM"


def pareto_of(best: Best, evaluations: Iterable[Evaluation], limits: Limits, against: Against = "SRAM") -> Pareto:
    """Of the verified evaluations whose figures have the label of the default's: others do not compare.

    Against quality, candidates that fall short of what may be offered are on it as well. The front shows what they
    would save.

    Args:
        best: of the identity; its default says which label figures have to have.
        evaluations: all of the best's identity.
        limits: what a candidate on the front may cost.
        against: what stands against cycles, SRAM or quality.

    Returns:
        The front, the other candidates within the limits, and those beyond.
    """
    default, _ = figures_of(best)

    def is_right(e: Evaluation) -> bool:
        return e.verified if against == "SRAM" else e.status == "ok" and e.quality is not None and not e.is_unexecuted

    right = [Point(e.recipe, e.figures, e.quality) for e in evaluations if is_right(e) and e.figures]
    right = [point for point in right if point.figures.label == default.label]
    front: list[Point] = []
    others: list[Point] = []
    for point in sorted(right, key=lambda point: (*point.place(against), len(point.recipe), point.recipe)):
        if limits.allow(point.figures):
            # From few cycles to many: only what needs less SRAM, or is better, than all before it is not beaten.
            beaten = front and point.place(against)[1] >= front[-1].place(against)[1]
            (others if beaten else front).append(point)
    beyond = tuple(point for point in right if not limits.allow(point.figures))
    return Pareto(tuple(front), tuple(others), beyond, against)
