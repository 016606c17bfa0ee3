"""How far predictions are from what was counted, in the few numbers that people ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, sqrt
from statistics import fmean, median
from typing import Literal

from workers.ethos_u.cost.evidence.comparison import Comparison

By = Literal["model", "vela"]

#: Launches of fewer cycles are left out of `launch_errors`: their counters advance in steps of 1,000.
SHORT_LAUNCH_CYCLES = 3000
#: What counts as near for a launch.
NEAR_PERCENT = 15.0
_QUANTILES = 100


@dataclass(frozen=True)
class Errors:
    """Errors of one estimate over some rows, in percent of what was counted.

    Attributes:
        rows: how many rows have the estimate.
        mean: of the errors without their signs.
        worst: the largest without its sign.
        worst_row: the row that it belongs to.
        ratio: geometric mean of estimate over count; 1 where errors cancel out.
        sure_mean: mean of the errors that the steps of the counters cannot explain; of the model's prediction only.
    """

    rows: int
    mean: float
    worst: float
    worst_row: Comparison
    ratio: float
    sure_mean: float


@dataclass(frozen=True)
class LaunchErrors:
    """Errors over launches that are long enough to be compared.

    Attributes:
        rows: how many those are.
        median: of the errors without their signs, in percent.
        near_percent: part of the rows whose error is at most `NEAR_PERCENT`.
        possible_percent: part of the rows whose counter could have shown the very prediction; of the model's only.
    """

    rows: int
    median: float
    near_percent: float
    possible_percent: float


@dataclass(frozen=True)
class PairErrors:
    """How an estimate orders pairs of rows that a user could choose between.

    Attributes:
        pairs: those whose counts differ by more than the counters' steps.
        right, wrong: pairs in the order of the counts, and in the opposite one. The rest has equal estimates.
        ratio_error: mean error of the estimated ratio of the two, in percent of the counted ratio.
    """

    pairs: int
    right: int
    wrong: int
    ratio_error: float

    @property
    def tau(self) -> float:
        """Kendall's rank correlation: 1 where every pair is in the right order, -1 where none is (Kendall 1938)."""
        return (self.right - self.wrong) / self.pairs


def errors_of(rows: Iterable[Comparison], by: By = "model") -> Errors | None:
    """Errors of the model's prediction or of Vela's estimate.

    Args:
        rows: predicted and counted cycles.
        by: whose errors.

    Returns:
        Errors in percent of what was counted; None if no row has the estimate.
    """
    found = [(value, row) for row in rows if (value := _estimate(row, by)) is not None]
    if not found:
        return None
    errors = [(abs(100 * (value / row.counted_cycles - 1)), row) for value, row in found]
    worst, worst_row = max(errors, key=lambda one: one[0])
    # An estimate of nothing at all has no logarithm.
    ratio = exp(fmean(log(max(value, 1.0) / row.counted_cycles) for value, row in found))
    sure = fmean(row.sure_error_percent for _, row in found)
    return Errors(len(found), fmean(error for error, _ in errors), worst, worst_row, ratio, sure)


def launch_errors(rows: Iterable[Comparison], by: By = "model") -> LaunchErrors | None:
    """Errors over the launches among `rows` of more than `SHORT_LAUNCH_CYCLES`.

    Args:
        rows: predicted and counted cycles.
        by: whose errors.

    Returns:
        Errors in percent of what was counted; None if there are none.
    """
    found = [(value, row) for row in _long_launches(rows) if (value := _estimate(row, by)) is not None]
    if not found:
        return None
    errors = [abs(100 * (value / row.counted_cycles - 1)) for value, row in found]
    possible = 100 * sum(row.sure_error_percent == 0 for _, row in found) / len(found)
    return LaunchErrors(len(errors), median(errors), _near(errors), possible)


def least_launch_errors(rows: Iterable[Comparison]) -> LaunchErrors | None:
    """What `launch_errors` would be of a model that predicts every launch to the cycle, on average.

    Two readings of a counter that advances in steps differ by less than a step from the truth. The error is distributed
    as the difference of two evenly distributed parts of a step (a triangle).
    """
    launches = list(_long_launches(rows))
    if not launches:
        return None
    parts = [1 - sqrt(1 - (i + 0.5) / _QUANTILES) for i in range(_QUANTILES)]
    errors = [100 * part * row.slack_cycles / row.counted_cycles for row in launches for part in parts]
    return LaunchErrors(len(launches), median(errors), _near(errors), 100.0)


def _long_launches(rows: Iterable[Comparison]) -> Iterator[Comparison]:
    return (row for row in rows if row.subject == "launch" and long_enough(row))


def _near(errors: Sequence[float]) -> float:
    return 100 * sum(error <= NEAR_PERCENT for error in errors) / len(errors)


def long_enough(row: Comparison) -> bool:
    """False for a launch that the steps of its counter say too little about."""
    return row.subject != "launch" or row.counted_cycles > SHORT_LAUNCH_CYCLES


def pair_errors(pairs: Sequence[tuple[Comparison, Comparison]], by: By = "model") -> PairErrors | None:
    """How the model's prediction or Vela's estimate orders pairs.

    Args:
        pairs: two programs each.
        by: whose errors.

    Returns:
        How many pairs it orders right, and the error of ratios in percent; None if no pair has the estimate on both
        sides.
    """
    right = wrong = 0
    ratio_errors = []
    for one, other in pairs:
        first, second = _estimate(one, by), _estimate(other, by)
        if not first or not second:
            continue
        order = (first - second) * (one.counted_cycles - other.counted_cycles)
        right, wrong = right + (order > 0), wrong + (order < 0)
        ratio_errors.append(abs(100 * ((first / second) / (one.counted_cycles / other.counted_cycles) - 1)))
    if not ratio_errors:
        return None
    return PairErrors(len(ratio_errors), right, wrong, fmean(ratio_errors))


def comparable_pairs(rows: Iterable[Comparison]) -> list[tuple[Comparison, Comparison]]:
    """Pairs of rows whose order means something. They are whole programs of one model on one family, or single
    operators of one kind and accelerator. They were counted in the same way, under conditions that are kept apart.

    Pairs whose counts differ by less than the counters' steps are left out.
    """
    groups: defaultdict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for row in rows:
        if row.subject != "launch":
            groups[_group(row)].append(row)
    return [pair for group in groups.values() for pair in combinations(group, 2) if _distinguishable(*pair)]


def with_vela(pairs: Iterable[tuple[Comparison, Comparison]]) -> list[tuple[Comparison, Comparison]]:
    """The pairs for which Vela's estimate is known on both sides."""
    return [pair for pair in pairs if all(row.vela_cycles for row in pair)]


def families(rows: Iterable[Comparison]) -> Iterator[tuple[str, list[Comparison]]]:
    """Rows by family of accelerators, in the order of their names."""
    found: defaultdict[str, list[Comparison]] = defaultdict(list)
    for row in rows:
        found[row.family].append(row)
    yield from sorted(found.items())


def _group(row: Comparison) -> tuple[str, ...]:
    if row.subject == "operator":
        return row.subject, row.label, row.accelerator, row.kind, row.condition
    where = row.accelerator if row.subject == "sweep" else row.family
    return row.subject, row.label, where, row.model


def _distinguishable(one: Comparison, other: Comparison) -> bool:
    return abs(one.counted_cycles - other.counted_cycles) >= max(one.step_cycles, other.step_cycles)


def _estimate(row: Comparison, by: By) -> float | None:
    return row.predicted_cycles if by == "model" else row.vela_cycles
