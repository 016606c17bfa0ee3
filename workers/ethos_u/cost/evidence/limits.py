"""How far predictions may be off on the evidence that ships.

The limits are what the model reaches now, with a little room.

A change of the model that makes predictions worse fails `velatune validate`; one that makes them better lowers these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.error_statistics import (
    NEAR_PERCENT,
    SHORT_LAUNCH_CYCLES,
    comparable_pairs,
    errors_of,
    families,
    launch_errors,
    pair_errors,
)
from workers.ethos_u.cost.evidence.host import HostComparison, HostSubject, host_errors


@dataclass(frozen=True)
class RowLimits:
    """Of the errors of some rows, in percent: their mean, and the worst one."""

    mean: float
    worst: float


@dataclass(frozen=True)
class Limits:
    """What `velatune validate` accepts.

    Attributes:
        programs: by family of accelerators.
        other_programs: of a family that is not among them.
        launch_median: of the errors of launches, in percent.
        launch_near: least part of the launches that must be near, in percent.
        tau: least rank correlation over pairs of streams.
        host: of the CPU's side, for each class of operators; whole inferences have none.
    """

    programs: Mapping[str, RowLimits]
    other_programs: RowLimits
    launch_median: float
    launch_near: float
    tau: float
    host: Mapping[HostSubject, RowLimits]

    def of_programs(self, mean: float | None, worst: float | None) -> Limits:
        """The same with other limits for programs of every family.

        Args:
            mean: percent; None leaves it.
            worst: percent; None leaves it.

        Returns:
            The new limits.
        """

        def changed(limits: RowLimits) -> RowLimits:
            return RowLimits(limits.mean if mean is None else mean, limits.worst if worst is None else worst)

        programs = {family: changed(limits) for family, limits in self.programs.items()}
        return replace(self, programs=programs, other_programs=changed(self.other_programs))


DEFAULT_LIMITS = Limits(
    programs={
        "ethos-u55": RowLimits(mean=1.5, worst=3),
        "ethos-u65": RowLimits(mean=2, worst=4),
        "ethos-u85": RowLimits(mean=2, worst=4),
    },
    other_programs=RowLimits(mean=20, worst=40),
    launch_median=5,
    launch_near=86,
    tau=0.95,
    # Of one call of one program the price is the count itself. Whole inferences that are published were timed with a
    # console's output in them, which no prediction can hold.
    host={"delegate call": RowLimits(mean=1, worst=1), "operator": RowLimits(mean=8, worst=50)},
)


def beyond(rows: Sequence[Comparison], host: Sequence[HostComparison], limits: Limits) -> list[str]:
    """What is beyond a limit.

    Args:
        rows: programs and launches.
        host: rows of the CPU's side.
        limits: in percent.

    Returns:
        One line each; empty if nothing is.
    """
    return [
        *_programs_beyond(rows, limits),
        *_launches_beyond(rows, limits),
        *_order_beyond(rows, limits),
        *_host_beyond(host, limits),
    ]


def _programs_beyond(rows: Sequence[Comparison], limits: Limits) -> Iterator[str]:
    for family, programs in families(row for row in rows if row.subject == "program"):
        errors = errors_of(programs)
        assert errors is not None  # every row has a prediction
        limit = limits.programs.get(family, limits.other_programs)
        if errors.mean > limit.mean:
            yield f"{family}: the mean error of programs is {errors.mean:.1f} %, more than {limit.mean:g} %"
        if errors.worst > limit.worst:
            where = f"{errors.worst_row.model} on {errors.worst_row.accelerator}"
            yield f"{family}: the prediction of {where} is off by {errors.worst:.1f} %, more than {limit.worst:g} %"


def _launches_beyond(rows: Sequence[Comparison], limits: Limits) -> Iterator[str]:
    errors = launch_errors(rows)
    if errors is None:
        return
    of = f"of launches above {SHORT_LAUNCH_CYCLES:,} cycles"
    if errors.median > limits.launch_median:
        yield f"the median error {of} is {errors.median:.1f} %, more than {limits.launch_median:g} %"
    if errors.near_percent < limits.launch_near:
        yield f"{errors.near_percent:.0f} % {of} are within {NEAR_PERCENT:g} %, fewer than {limits.launch_near:g} %"


def _order_beyond(rows: Sequence[Comparison], limits: Limits) -> Iterator[str]:
    order = pair_errors(comparable_pairs(row for row in rows if row.subject != "sweep"))
    if order is not None and order.tau < limits.tau:
        yield f"Kendall's tau over pairs of streams is {order.tau:.2f}, less than {limits.tau:g}"


def _host_beyond(rows: Sequence[HostComparison], limits: Limits) -> Iterator[str]:
    for errors in host_errors(rows):
        limit = limits.host.get(errors.subject)
        if limit is None:
            continue
        what = f"{errors.subject} {errors.kind}".strip()
        if errors.mean > limit.mean:
            yield f"host work, {what}: the mean error is {errors.mean:.1f} %, more than {limit.mean:g} %"
        if errors.worst > limit.worst:
            yield f"host work, {what}: a prediction is off by {errors.worst:.1f} %, more than {limit.worst:g} %"
