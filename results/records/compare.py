"""Default against best: gains, cycles by kind of operator, operator tables side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.families import COMPILER_CYCLES, Metric, estimates_of, family_of
from results.records.figures import Figures, OperatorRow


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


@dataclass(frozen=True)
class TransposeShare:
    """How much of a program's cycles its transposes take, in percent: predicted, and by the compiler's estimate."""

    percent: float
    compiler_percent: float


def transpose_share_of(evaluation: Evaluation) -> TransposeShare:
    """Of an evaluation with its operators."""
    rows = evaluation.operators

    def percent(cycles: Callable[[OperatorRow], int]) -> float:
        total = sum(map(cycles, rows))
        return 100.0 * sum(cycles(row) for row in rows if row.target_op == "Transpose") / total if total else 0.0

    return TransposeShare(percent(lambda row: row.cycles), percent(lambda row: row.compiler_cycles))


@dataclass(frozen=True)
class KindRow:
    """Cycles and rows of all operators of one kind."""

    kind: str
    default_cycles: int
    best_cycles: int
    default_count: int
    best_count: int

    @property
    def saved(self) -> int:
        return self.default_cycles - self.best_cycles


def by_kind(default: Sequence[OperatorRow], best: Sequence[OperatorRow]) -> list[KindRow]:
    """Cycles by the kind of source operator.

    Args:
        default: rows of the default program.
        best: rows of the best one.

    Returns:
        One row for each kind in either program, the most expensive kind (in either) first.
    """
    cycles: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for side, rows in enumerate((default, best)):
        for row in rows:
            cycles[side][row.source_op] += row.cycles
            counts[side][row.source_op] += 1
    kinds = [
        KindRow(kind, cycles[0][kind], cycles[1][kind], counts[0][kind], counts[1][kind])
        for kind in counts[0].keys() | counts[1].keys()
    ]
    return sorted(kinds, key=lambda row: (-max(row.default_cycles, row.best_cycles), row.kind))


@dataclass(frozen=True)
class Contribution:
    """What one element of a recipe brings: how many cycles more the recipe costs without it.

    Attributes:
        kinds: the same for each kind of source operator that it affects, largest first. The cycles are the command
            stream's. Empty where no operators were recorded.
    """

    cycles: int
    kinds: tuple[tuple[str, int], ...]


def contribution_of(best: Evaluation, without: Evaluation | None) -> Contribution | None:
    """What is known of an element, by the evaluation of the best recipe without it.

    Args:
        best: the evaluation of the best recipe.
        without: that of the recipe without the element; None if there is none.

    Returns:
        Cycles that the element saves, below 0 if it costs some; None if either program has no figures.
    """
    if without is None or without.figures is None or best.figures is None:
        return None
    rows = by_kind(without.operators, best.operators) if without.operators and best.operators else []
    kinds = sorted(((row.kind, row.saved) for row in rows if row.saved), key=lambda one: (-abs(one[1]), one[0]))
    return Contribution(without.figures.cycles - best.figures.cycles, tuple(kinds))


@dataclass(frozen=True)
class Pair:
    """One line of the operator table: the same operator in both programs, or in one of them only."""

    position: int
    default: OperatorRow | None
    best: OperatorRow | None

    @property
    def name(self) -> str:
        return self._rows[0].name

    @property
    def delegate(self) -> int:
        return self._rows[0].delegate

    @property
    def source_op(self) -> str:
        return " → ".join(dict.fromkeys(row.source_op for row in self._rows))

    @property
    def target_op(self) -> str:
        return " → ".join(dict.fromkeys(row.target_op for row in self._rows))

    @property
    def saved(self) -> int:
        return (self.default.cycles if self.default else 0) - (self.best.cycles if self.best else 0)

    @property
    def weight(self) -> int:
        return max(row.cycles for row in self._rows)

    @property
    def _rows(self) -> list[OperatorRow]:
        return [row for row in (self.default, self.best) if row]


def pair_operators(default: Sequence[OperatorRow], best: Sequence[OperatorRow]) -> list[Pair]:
    """Rows of the same delegate and name side by side, in program order. The k-th row of a name is paired with the
    k-th.

    What only the best has stands behind what it follows there.

    Args:
        default: rows of the default program, in its order.
        best: rows of the best one, in its order.

    Returns:
        One pair for each row of either program. A side is None where only the other program has the row.
    """
    partners = dict(_numbered(best))
    paired = {key for key, _ in _numbered(default)} & partners.keys()
    only_best_after: dict[tuple[int, str, int] | None, list[OperatorRow]] = {}
    last = None
    for key, row in _numbered(best):
        if key in paired:
            last = key
        else:
            only_best_after.setdefault(last, []).append(row)
    lines: list[tuple[OperatorRow | None, OperatorRow | None]] = []
    lines += [(None, row) for row in only_best_after.get(None, [])]
    for key, row in _numbered(default):
        lines.append((row, partners.get(key)))
        if key in paired:
            lines += [(None, added) for added in only_best_after.get(key, [])]
    return [Pair(position, *line) for position, line in enumerate(lines)]


def _numbered(rows: Sequence[OperatorRow]) -> list[tuple[tuple[int, str, int], OperatorRow]]:
    seen: Counter[tuple[int, str]] = Counter()
    numbered = []
    for row in rows:
        numbered.append(((row.delegate, row.name, seen[row.delegate, row.name]), row))
        seen[row.delegate, row.name] += 1
    return numbered
