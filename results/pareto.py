"""The front of cycles against SRAM among the candidates of a search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from results.compare import figures_of
from results.records import Best, Evaluation, Figures


@dataclass(frozen=True)
class Limits:
    """What a candidate on the front may cost at most; None for no limit. vela_cycles: with the host's."""

    vela_cycles: int | None = None
    sram_bytes: int | None = None
    flash_bytes: int | None = None

    def allow(self, figures: Figures) -> bool:
        bounds = (
            (figures.vela_cycles + figures.host_cycles, self.vela_cycles),
            (figures.sram_bytes, self.sram_bytes),
            (figures.flash_bytes, self.flash_bytes),
        )
        return all(limit is None or value <= limit for value, limit in bounds)


@dataclass(frozen=True)
class Point:
    """A candidate and what it costs."""

    recipe: str
    figures: Figures

    @property
    def place(self) -> tuple[int, int]:
        """Cycles and bytes of SRAM."""
        return self.figures.cycles, self.figures.sram_bytes


@dataclass(frozen=True)
class Pareto:
    """All candidates that are right.

    Attributes:
        front: those within the limits that no other one within them beats, the fewest cycles first. To beat is to
            need no more of cycles and SRAM, and less of one. Of those in one place the shortest recipe.
        others: within the limits too.
        beyond: beyond a limit.
    """

    front: tuple[Point, ...]
    others: tuple[Point, ...]
    beyond: tuple[Point, ...]


def pareto_of(best: Best, evaluations: Iterable[Evaluation], limits: Limits) -> Pareto:
    """Of the verified evaluations whose figures have the label of the default's: others do not compare."""
    default, _ = figures_of(best)
    right = [Point(e.recipe, e.figures) for e in evaluations if e.verified and e.figures]
    right = [point for point in right if point.figures.label == default.label]
    front: list[Point] = []
    others: list[Point] = []
    for point in sorted(right, key=lambda point: (*point.place, len(point.recipe), point.recipe)):
        if limits.allow(point.figures):
            # From few cycles to many: only what needs less SRAM than all before it is not beaten.
            beaten = front and point.figures.sram_bytes >= front[-1].figures.sram_bytes
            (others if beaten else front).append(point)
    return Pareto(tuple(front), tuple(others), tuple(point for point in right if not limits.allow(point.figures)))
