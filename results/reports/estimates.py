"""Where two predictions of a program differ, by what the target runs, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from results.records.figures import OperatorRow

#: Kinds that differ by less than this part of the larger number are left out, and so are kinds that are a smaller part
#: of the program than the other one by either number.
_DIFFERENT, _WORTH_MENTIONING = 0.1, 0.01

_OTHERWISE = "see the classes in docs/objective.md"


@dataclass(frozen=True)
class Difference:
    """Cycles of all operators that the target runs as `target_op`: predicted, and by the compiler.

    Attributes:
        why: the two are not the same.
    """

    target_op: str
    rows: int
    cycles: int
    compiler_cycles: int
    why: str


@dataclass(frozen=True)
class Rise:
    """Cycles by the compiler's own estimate that one kind of operator takes more than before."""

    target_op: str
    cycles: int
    why: str


def largest_rise_by_compiler(
    before: Sequence[OperatorRow], after: Sequence[OperatorRow], reasons: Mapping[str, str]
) -> Rise | None:
    """The kind of operator whose cycles rise most by the compiler's estimate.

    Args:
        before: rows of the default program.
        after: rows of the tuned one.
        reasons: as in `results.records.families.Family.estimate_reasons`.

    Returns:
        The kind, by how many cycles it rises, and why the estimates differ; None if no kind rises.
    """
    change: Counter[str] = Counter()
    for row in after:
        change[row.target_op] += row.compiler_cycles
    for row in before:
        change[row.target_op] -= row.compiler_cycles
    kind, cycles = max(change.items(), key=lambda one: (one[1], one[0]), default=("", 0))
    return Rise(kind, cycles, reasons.get(kind, _OTHERWISE)) if cycles > 0 else None


def differences(rows: Sequence[OperatorRow], reasons: Mapping[str, str]) -> list[Difference]:
    """The kinds that the two predictions see differently, the largest difference first.

    Args:
        rows: of one program, with the cycles of both predictions.
        reasons: as in `results.records.families.Family.estimate_reasons`.

    Returns:
        One row for each kind that is worth mentioning: large enough in the program, and different enough.
    """
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    count = Counter(row.target_op for row in rows)
    for row in rows:
        ours[row.target_op] += row.cycles
        theirs[row.target_op] += row.compiler_cycles
    whole = max(1, min(sum(ours.values()), sum(theirs.values())))
    found = [
        Difference(kind, count[kind], ours[kind], theirs[kind], reasons.get(kind, _OTHERWISE))
        for kind in count
        if max(ours[kind], theirs[kind]) > _WORTH_MENTIONING * whole
        and abs(ours[kind] - theirs[kind]) > _DIFFERENT * max(ours[kind], theirs[kind])
    ]
    return sorted(found, key=lambda one: (-abs(one.cycles - one.compiler_cycles), one.target_op))
