"""Table of bests beside their lower bounds, with the operators that take the cycles above the bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from results.records.best import Best
from results.records.compare import figures_of
from results.records.evaluation import Evaluation
from results.records.families import compiler_of, family_of
from results.records.figures import Bound, OperatorRow
from results.reports.markdown import aligned, in_a_cell

_PRODUCTS = "convolutions and products"
_NAMED = 3

_WORDS = {"model", "target", "what holds the rest"}


def rest_of(rows: Sequence[OperatorRow], bound: Bound, multiplying: frozenset[str]) -> list[tuple[str, int]]:
    """Cycles beyond the bound by what the target runs, the most first.

    What multiplies is one kind, without the cycles that the model's own multiplications take at least. Zeros that
    weights were filled up with and movements written as convolutions stay in it.

    Args:
        rows: of the program, with predicted cycles.
        bound: of the same program.
        multiplying: the kinds of `target_op` whose multiplications the bound counts.

    Returns:
        Kind and cycles; kinds without cycles are left out.
    """
    rest: Counter[str] = Counter()
    for row in rows:
        rest[_PRODUCTS if row.target_op in multiplying else row.target_op] += row.cycles
    if _PRODUCTS in rest:
        rest[_PRODUCTS] = max(0, rest[_PRODUCTS] - bound.mac_cycles)
    return sorted(((kind, cycles) for kind, cycles in rest.items() if cycles), key=lambda one: (-one[1], one[0]))


def distance_table(runs: Iterable[tuple[Best, Bound]]) -> str:
    """One line of Markdown per model and target. Distances are default -> best, in times of the bound."""
    runs = list(runs)
    by = f"by {compiler_of(best.identity.target.family for best, _ in runs)}"
    headings = (
        "model", "target", "cycles", by, "by multiplications", "by bytes", "by weights", "distance", f"distance {by}",
        "what holds the rest",
    )  # fmt: skip
    table = aligned([headings, *(_line(best, bound) for best, bound in runs)], set(headings) - _WORDS)
    return f"{table}\n"


def _line(best: Best, bound: Bound) -> tuple[str, ...]:
    _, tuned = figures_of(best)
    target = best.identity.target
    rest = rest_of(best.best.operators, bound, family_of(target.family).multiplying)
    default_rows, tuned_rows = _cycles(best.default), _cycles(best.best)
    whole = sum(cycles for _, cycles in rest)
    return (
        in_a_cell(best.identity.model_name),
        target.name,
        f"{tuned_rows[0]:,}",
        f"{tuned_rows[1]:,}",
        f"{bound.mac_cycles:,}",
        f"{bound.move_cycles:,}",
        f"{bound.constant_cycles(tuned):,}",
        *(_times(*both, bound) for both in zip(default_rows, tuned_rows, strict=True)),
        ", ".join(f"{kind} {cycles / whole:.0%}" for kind, cycles in rest[:_NAMED]),
    )


def _cycles(evaluation: Evaluation) -> tuple[int, int]:
    """Of the target's operators: predicted, and by the compiler."""
    rows = evaluation.operators
    return sum(row.cycles for row in rows), sum(row.compiler_cycles for row in rows)


def _times(default: int, best: int, bound: Bound) -> str:
    if not bound.cycles:
        return "-"
    return f"{default / bound.cycles:.1f}x → {best / bound.cycles:.1f}x"
