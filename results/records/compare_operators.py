"""Comparisons of the operators of two programs: by kind, row by row, and by element of a recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from results.records.evaluation import Evaluation
from results.records.figures import OperatorRow


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
