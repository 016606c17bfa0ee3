"""How far the best is from what no lowering can go below, and which operators hold what is between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from results.records.best import Best
from results.records.compare import figures_of
from results.records.figures import Bound, OperatorRow
from results.reports.markdown import aligned, in_a_cell

#: What the NPU runs with its multipliers; the multiplications in the bound are theirs.
_MULTIPLYING = frozenset({"Conv2D", "DepthwiseConv2D", "TransposeConv2D", "MatMul"})
_PRODUCTS = "convolutions and products"
_NAMED = 3

_HEADINGS = (
    "model", "target", "stream cycles", "by Vela", "by multiplications", "by bytes", "by weights", "distance",
    "distance by Vela", "what holds the rest",
)  # fmt: skip
_WORDS = {"model", "target", "what holds the rest"}


def rest_of(rows: Sequence[OperatorRow], bound: Bound) -> list[tuple[str, int]]:
    """Stream cycles beyond the bound by what the NPU runs, the most first.

    What multiplies is one kind, without the cycles that the model's own multiplications take at least: zeros that
    weights were filled up with and movements written as convolutions stay in it.
    """
    rest: Counter[str] = Counter()
    for row in rows:
        rest[_PRODUCTS if row.npu_op in _MULTIPLYING else row.npu_op] += row.cycles
    if _PRODUCTS in rest:
        rest[_PRODUCTS] = max(0, rest[_PRODUCTS] - bound.mac_cycles)
    return sorted(((kind, cycles) for kind, cycles in rest.items() if cycles), key=lambda one: (-one[1], one[0]))


def distance_table(runs: Iterable[tuple[Best, Bound]]) -> str:
    """One line of Markdown per model and target. Distances are default -> best, in times of the bound."""
    lines = [_line(best, bound) for best, bound in runs]
    table = aligned([_HEADINGS, *lines], set(_HEADINGS) - _WORDS)
    return f"{table}\n"


def _line(best: Best, bound: Bound) -> tuple[str, ...]:
    default, tuned = figures_of(best)
    rest = rest_of(best.best.operators, bound)
    whole = sum(cycles for _, cycles in rest)
    return (
        in_a_cell(best.identity.model_name),
        best.identity.target.accelerator,
        f"{tuned.stream_cycles:,}",
        f"{tuned.vela_cycles:,}",
        f"{bound.mac_cycles:,}",
        f"{bound.move_cycles:,}",
        f"{bound.constant_cycles(tuned):,}",
        _times(default.stream_cycles, tuned.stream_cycles, bound),
        _times(default.vela_cycles, tuned.vela_cycles, bound),
        ", ".join(f"{kind} {cycles / whole:.0%}" for kind, cycles in rest[:_NAMED]),
    )


def _times(default: int, best: int, bound: Bound) -> str:
    if not bound.cycles:
        return "-"
    return f"{default / bound.cycles:.1f}x → {best / bound.cycles:.1f}x"
