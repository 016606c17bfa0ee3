"""Families of targets, as their backends describe them: the words for what they count.

A backend is an object of the entry point group `velatune.backends`, under the name of its family. Only the attributes
of `Family` are asked of it here. Records of a family whose backend is not installed are shown under the names of their
metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol

from results.records.figures import Figures

GROUP = "velatune.backends"

COMPILER_CYCLES = "compiler_cycles"
"""Metric of all families whose compiler makes an estimate of its own: of the same as the objective, host work included.
"""


class Metric(Protocol):
    """A number of `Figures`.

    Attributes:
        name: as records have it.
        title: for tables, with its unit.
        description: in a sentence.
        is_cost: less of it is better.
        is_estimate: it predicts the cycles of the device alone; gains are reported by it too.
        is_headline: it stands at the top of a report.
        is_tabled: it stands in tables with one line for each model and target.
        may_not_rise: a best that has more of it than the default is reported with a warning.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def is_cost(self) -> bool: ...
    @property
    def is_estimate(self) -> bool: ...
    @property
    def is_headline(self) -> bool: ...
    @property
    def is_tabled(self) -> bool: ...
    @property
    def may_not_rise(self) -> bool: ...


class Family(Protocol):
    """Targets that one backend is for.

    Attributes:
        metrics: what their figures have besides those of every family, in the order of tables.
        unit: of what is minimised, in the plural, such as `cycles`.
        has_ratio: the ratio of two costs says how much better one is. If not, a best is described by the headline
            metrics that it changed.
        compiler: name of the compiler whose own estimate is shown beside predictions.
        estimate_reasons: what the target runs (`OperatorRow.target_op`) -> why that estimate is another number.
        multiplying: kinds among them whose multiplications `Bound.macs` counts.
    """

    @property
    def metrics(self) -> Sequence[Metric]: ...
    @property
    def unit(self) -> str: ...
    @property
    def has_ratio(self) -> bool: ...
    @property
    def compiler(self) -> str: ...
    @property
    def estimate_reasons(self) -> Mapping[str, str]: ...
    @property
    def multiplying(self) -> frozenset[str]: ...

    def cost_text(self, cost: int, metrics: Mapping[str, int]) -> str:
        """What a program costs, for people.

        Args:
            cost: what is minimised.
            metrics: all else that is counted of the program.

        Returns:
            A few words.
        """
        ...


@dataclass(frozen=True)
class _Unknown:
    """A family whose backend is not installed."""

    metrics: tuple[Metric, ...] = ()
    unit: str = "cycles"
    has_ratio: bool = True
    compiler: str = "the compiler"
    estimate_reasons: Mapping[str, str] = field(default_factory=dict)
    multiplying: frozenset[str] = frozenset()

    def cost_text(self, cost: int, metrics: Mapping[str, int]) -> str:
        return f"{cost:,} {self.unit}"


@dataclass(frozen=True)
class _Named:
    """A metric of which nothing but its name is known."""

    name: str
    is_cost: bool = False
    is_estimate: bool = False
    is_headline: bool = False
    is_tabled: bool = False
    may_not_rise: bool = False

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")

    @property
    def description(self) -> str:
        return self.title


@cache
def family_of(name: str) -> Family:
    """The family of this name, as its backend describes it."""
    for entry in entry_points(group=GROUP, name=name):
        backend: Family = entry.load()
        return backend
    return _Unknown()


def metrics_of(family: str, figures: Iterable[Figures]) -> list[Metric]:
    """The metrics that figures have, those that the family's backend describes first.

    Args:
        family: name of a family of targets.
        figures: of any number of programs.

    Returns:
        Each metric once. One that the family does not describe is shown by its name alone.
    """
    present = dict.fromkeys(name for one in figures for name in one.metrics)
    known = [one for one in family_of(family).metrics if one.name in present]
    described = {one.name for one in known}
    return known + [_Named(name) for name in present if name not in described]


def estimates_of(family: str, figures: Iterable[Figures]) -> list[Metric]:
    """The metrics that predict cycles of the device alone and that all figures have.

    Args:
        family: name of a family of targets.
        figures: of any number of programs.

    Returns:
        Each metric once, as in `metrics_of`.
    """
    figures = list(figures)
    return [one for one in metrics_of(family, figures) if one.is_estimate and all(one.name in each for each in figures)]


def units_of(families: Iterable[str]) -> list[str]:
    """What families count, each once and by name."""
    return sorted({family_of(one).unit for one in families})


def unit_of(families: Iterable[str]) -> str:
    """What families count, for headings, such as `cycles or instructions`; `cycles` of no families."""
    return " or ".join(units_of(families)) or "cycles"


def compiler_of(families: Iterable[str]) -> str:
    """Name of the compiler that families have in common, for headings."""
    names = {family_of(one).compiler for one in families}
    return names.pop() if len(names) == 1 else "the compiler"
