"""Which values an input may have that a program uses as an index.

TOSA leaves GATHER and SCATTER undefined where an index is out of range. SCATTER is also undefined where two indices are
equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from search_space.ir.graph import CONST, INPUT, MOVE, Graph

#: Give the values of their first operand, some or all, in another order or more than once.
_PASS_ON = frozenset((MOVE, "SLICE", "REVERSE", "TILE", "CAST"))


@dataclass(frozen=True)
class IndexRange:
    """The values that an input of indices may have.

    Attributes:
        low, high: the smallest and the largest value.
        distinct: no two values of the input may be the same.
    """

    low: int
    high: int
    distinct: bool = False

    def within(self, other: IndexRange) -> IndexRange:
        """What both allow."""
        return IndexRange(max(self.low, other.low), min(self.high, other.high), self.distinct or other.distinct)


@dataclass(frozen=True)
class _Sum:
    """Inputs, each times its factor, and something between `low` and `high`."""

    factors: Mapping[int, int]
    low: int = 0
    high: int = 0

    def plus(self, other: _Sum) -> _Sum:
        factors = {i: self.factors.get(i, 0) + other.factors.get(i, 0) for i in {**self.factors, **other.factors}}
        return _Sum(factors, self.low + other.low, self.high + other.high)

    def times(self, factor: int) -> _Sum:
        ends = sorted((self.low * factor, self.high * factor))
        return _Sum({i: factor * one for i, one in self.factors.items()}, *ends)


def index_ranges(graph: Graph) -> dict[int, IndexRange | None]:
    """For each input that is part of an index, by its id: the range of defined indices.

    An index into several dimensions is a sum of indices times strides. Each stays within its own dimension. None: how
    the index is made of the input is not understood, or no range is safe.
    """
    found: dict[int, IndexRange | None] = {}
    for _, node in graph.operators():
        if node.op not in ("GATHER", "SCATTER"):
            continue
        size = graph[node.inputs[0]].type.shape[1]
        for input_id, allowed in _ranges(graph, node.inputs[1], size).items():
            if allowed is not None and node.op == "SCATTER":
                allowed = replace(allowed, distinct=True)
            known = found.get(input_id, allowed)
            both = None if known is None or allowed is None else known.within(allowed)
            found[input_id] = both if both and both.low <= both.high else None
    return found


def _ranges(graph: Graph, index: int, size: int) -> dict[int, IndexRange | None]:
    made = _sum(graph, index)
    several_below_zero = made is not None and made.low < 0 and len(made.factors) > 1
    if made is None or several_below_zero or any(factor <= 0 for factor in made.factors.values()):
        return dict.fromkeys(_inputs_of(graph, index))
    found: dict[int, IndexRange | None] = {}
    largest = size - 1 - made.high
    # The largest stride first: a smaller one stays within it.
    for input_id, factor in sorted(made.factors.items(), key=lambda one: (-one[1], one[0])):
        inner = max((other for other in made.factors.values() if other < factor), default=0)
        low = -(made.low // factor) if len(made.factors) == 1 else 0
        rest = max(0, factor - 1) if inner else 0
        found[input_id] = IndexRange(low, (largest - rest) // factor)
        largest = min(largest, factor - 1)
    return found


def _sum(graph: Graph, node_id: int) -> _Sum | None:
    node = graph[node_id]
    if node.op == INPUT:
        return _Sum({node_id: 1})
    if node.op == CONST:
        values = node.array if node.type.dtype == "INT32" else np.zeros(0)
        return _Sum({}, int(values.min()), int(values.max())) if values.size else None
    operands = [_sum(graph, i) for i in node.inputs[:2]]
    first = operands[0] if operands else None
    if first is None or node.op in _PASS_ON:
        return first
    second = operands[1] if len(operands) > 1 else None
    if second is None:
        return None
    if node.op == "ADD":
        return first.plus(second)
    if node.op == "SUB":
        return first.plus(second.times(-1))
    if node.op == "MUL":
        for one, other in ((first, second), (second, first)):
            if not other.factors and other.low == other.high:
                return one.times(other.low)
    return None


def _inputs_of(graph: Graph, node_id: int) -> set[int]:
    node = graph[node_id]
    if node.op == INPUT:
        return {node_id}
    return {found for i in node.inputs for found in _inputs_of(graph, i)}
