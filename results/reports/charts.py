"""The charts of a report: fronts as scatter plots, and cycles by kind of operator as stacked bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from results.records.best import Best
from results.records.compare import figures_of
from results.records.compare_operators import KindRow
from results.reports.pareto import Pareto, Point
from results.reports.scatter import Axis

_COLOURS = 7
"""Kinds of operators that have a colour of their own in the stacked bars; the rest share one."""


@dataclass(frozen=True)
class Plot:
    """A front with where it is drawn.

    Attributes:
        marked: the default and the best.
    """

    pareto: Pareto
    marked: dict[str, Point]
    up: Axis
    across: Axis


def plot(best: Best, pareto: Pareto) -> Plot:
    """Where the points of a front are drawn.

    Args:
        best: whose default and best are marked.
        pareto: the front.

    Returns:
        The front with the axes that hold all of its points.
    """
    marked = {
        name: Point(one.recipe, figures, one.quality)
        for name, one, figures in zip(("default", "best"), (best.default, best.best), figures_of(best), strict=True)
    }
    points = [*marked.values(), *pareto.front, *pareto.others, *pareto.beyond]
    up = Axis.over(point.figures.cycles for point in points)
    return Plot(pareto, marked, up, Axis.over(point.value(pareto.against) for point in points))


def legend(kinds: Sequence[KindRow]) -> list[str]:
    """Names of the colours of `stacks`, in their order."""
    named = [row.kind for row in kinds[:_COLOURS] if row.default_cycles or row.best_cycles]
    rest = len([row for row in kinds[_COLOURS:] if row.default_cycles or row.best_cycles])
    return [*named, f"{rest} other kinds"] if rest else named


def stacks(kinds: Sequence[KindRow]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Two stacked bars: segments with their place and width in percent of the longer bar."""
    bars = []
    sides = [
        ("default", [row.default_cycles for row in kinds]),
        ("best", [row.best_cycles for row in kinds]),
    ]
    longest = max((sum(cycles) for _, cycles in sides), default=0) or 1
    for side, cycles in sides:
        merged: Counter[int] = Counter()
        for place, value in enumerate(cycles):
            merged[min(place, _COLOURS)] += value
        segments, start = [], 0
        for colour, value in sorted(merged.items()):
            name = kinds[colour].kind if colour < _COLOURS else "other kinds"
            segments.append(
                {
                    "colour": colour,
                    "name": name,
                    "cycles": value,
                    "x": 100 * start / longest,
                    "width": 100 * value / longest,
                }
            )
            start += value
        bars.append((side, segments))
    return bars
