"""Default against best: gains, their means, changed facts, and the best by the compiler's estimate alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.families import COMPILER_CYCLES, Metric, estimates_of, family_of
from results.records.figures import Figures


def figures_of(best: Best) -> tuple[Figures, Figures]:
    """The figures of the default and of the best.

    Raises:
        ValueError: one of them has none; no best that came from a store is like that.
    """
    if best.default.figures is None or best.best.figures is None:
        raise ValueError(f"the best of {best.identity.model_name} has no figures")
    return best.default.figures, best.best.figures


@dataclass(frozen=True)
class Gain:
    """What two numbers of cycles amount to.

    Attributes:
        percent: cycles saved, as part of the default's; 0.0 when the default costs nothing.
        factor: how many times fewer cycles; 1.0 when nothing is saved, infinite when nothing is left.
    """

    default_cycles: int
    best_cycles: int

    @property
    def percent(self) -> float:
        if not self.default_cycles:
            return 0.0
        return 100.0 * (self.default_cycles - self.best_cycles) / self.default_cycles

    @property
    def factor(self) -> float:
        if self.default_cycles == self.best_cycles:
            return 1.0
        return self.default_cycles / self.best_cycles if self.best_cycles else math.inf


def gain_of(best: Best) -> Gain:
    """The gain in the objective."""
    default, tuned = figures_of(best)
    return Gain(default.cycles, tuned.cycles)


@dataclass(frozen=True)
class Change:
    """A number that a best changed."""

    metric: Metric
    was: int
    now: int

    def __str__(self) -> str:
        return f"{self.metric.title} {self.was:,} → {self.now:,}"


def changes(family: str, default: Mapping[str, int], best: Mapping[str, int]) -> list[Change]:
    """What describes a best where the ratio of two costs says nothing: `Family.has_ratio`.

    Args:
        family: name of a family of targets.
        default: metrics of the default program.
        best: metrics of the best one.

    Returns:
        The headline metrics that are not the same in both, in the family's order.
    """
    known = (one for one in family_of(family).metrics if one.is_headline)
    both = [Change(one, default[one.name], best[one.name]) for one in known if one.name in default and one.name in best]
    return [one for one in both if one.was != one.now]


def mean_factor(gains: Iterable[Gain]) -> float:
    """Geometric mean of the factors; 1.0 of nothing."""
    logarithms = [math.log(gain.factor) for gain in gains if 0 < gain.factor < math.inf]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else 1.0


def gain_by(best: Best, metric: str) -> Gain:
    """The gain by a metric that counts cycles, too.

    Args:
        best: with the default and the tuned program.
        metric: name of the metric.

    Returns:
        The metric of the default and of the tuned program.

    Raises:
        KeyError: the figures do not have the metric.
    """
    default, tuned = figures_of(best)
    return Gain(default[metric], tuned[metric])


@dataclass(frozen=True)
class TargetMeans:
    """Geometric means of default/best over the models tuned for one target.

    Attributes:
        target: name of the device.
        family: of the device; says what is counted.
        objective: of what was minimised, host work included; None where the ratio of two costs says nothing.
        estimates: of each prediction of the target's cycles, by the titles of their metrics.
    """

    target: str
    family: str
    models: int
    objective: float | None
    estimates: tuple[tuple[str, float], ...]


def means_of(bests: Iterable[Best]) -> list[TargetMeans]:
    """One for each device, by name."""
    by_target: dict[tuple[str, str], list[Best]] = {}
    for best in bests:
        target = best.identity.target
        by_target.setdefault((target.name, target.family), []).append(best)
    return [
        TargetMeans(
            name,
            family,
            len(found),
            mean_factor(map(gain_of, found)) if family_of(family).has_ratio else None,
            tuple(
                (one.title, mean_factor(gain_by(best, one.name) for best in found))
                for one in estimates_of(family, [figures for best in found for figures in figures_of(best)])
            ),
        )
        for (name, family), found in sorted(by_target.items())
    ]


def phantom_of(best: Best, evaluations: Iterable[Evaluation]) -> Evaluation | None:
    """The verified candidate that a search by the compiler's own estimate would have offered. None if it costs no more
    cycles than the best. Part of its gain is then the estimator's, not the hardware's.

    Args:
        best: what the search by velatune's own prediction found.
        evaluations: all of the best's identity.

    Returns:
        The candidate; None where there is no such estimate, or where it leads to no more cycles.
    """
    _, tuned = figures_of(best)

    def places(figures: Figures) -> tuple[int, int]:
        return figures[COMPILER_CYCLES], figures.cycles

    if COMPILER_CYCLES not in tuned:
        return None
    offered = [(places(e.figures), e) for e in evaluations if e.verified and e.figures]
    (estimate, cycles), cheapest = min(offered, key=lambda one: one[0], default=((0, 0), None))
    return cheapest if estimate < tuned[COMPILER_CYCLES] and cycles > tuned.cycles else None
