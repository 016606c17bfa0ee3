"""Inputs that are indices stay within what TOSA defines, and reach its ends."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from workers.checking.check_inputs import check_inputs, more_random_inputs
from workers.checking.index_ranges import IndexRange, index_ranges
from workers.checking.reference import run_on_each

INDICES = TensorType((1, 6), "INT32")


class Built:
    """A program in the making."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.inputs: list[int] = []

    def add(self, node: Node) -> int:
        self.nodes[len(self.nodes)] = node
        return len(self.nodes) - 1

    def input(self, tensor: TensorType) -> int:
        self.inputs.append(self.add(Node(INPUT, (), tensor)))
        return self.inputs[-1]

    def number(self, value: int) -> int:
        return self.add(constant(np.full((1, 1), value, np.int32)))

    def shift(self) -> int:
        return self.add(constant(np.zeros(1, np.int8)))

    def times(self, index: int, factor: int) -> int:
        return self.add(Node("MUL", (index, self.number(factor), self.shift()), INDICES))

    def plus(self, index: int, other: int) -> int:
        return self.add(Node("ADD", (index, other), INDICES))

    def gather(self, size: int, index: int) -> Graph:
        values = self.input(TensorType((1, size, 3), "INT8"))
        result = self.add(Node("GATHER", (values, index), TensorType((1, 6, 3), "INT8")))
        return Graph(self.nodes, tuple(self.inputs), (result,), len(self.nodes))


def values_of(graph: Graph, input_id: int) -> np.ndarray:
    """Of all sets; every one of them is run by the reference model, which stops where an index is not defined."""
    sets = [*check_inputs(graph, (), seed=1), *more_random_inputs(graph, (), seed=1)]
    run_on_each(graph, [one.arrays for one in sets])
    at = graph.inputs.index(input_id)
    return np.stack([one.arrays[at] for one in sets])


@given(sizes=st.lists(st.integers(2, 5), min_size=1, max_size=3), offset=st.integers(-3, 3))
def test_an_index_of_several_dimensions_stays_within_each(sizes: list[int], offset: int) -> None:
    """As `x[i, j, k]` is lowered: a sum of indices times strides. offset: as of a slice, with one index only."""
    offset = offset if len(sizes) == 1 else 0
    built = Built()
    parts = [built.input(INDICES) for _ in sizes]
    scaled = [built.times(part, prod(sizes[at + 1 :])) for at, part in enumerate(parts)]
    index = scaled[0]
    for one in scaled[1:]:
        index = built.plus(index, one)
    if offset:
        index = built.plus(index, built.number(offset))
    graph = built.gather(prod(sizes) + 3, index) if offset else built.gather(prod(sizes), index)
    last = prod(sizes) + 2 - offset if offset else None
    for part, size in zip(parts, sizes, strict=True):
        found = values_of(graph, part)
        assert found.min() == (-offset if offset else 0)
        assert found.max() == (last if last is not None else size - 1)


def test_an_index_that_is_moved_and_used_twice_stays_within_the_smaller_dimension() -> None:
    built = Built()
    index = built.input(TensorType((6, 1), "INT32"))
    moved = built.add(move(index, TensorType((6, 1), "INT32"), (Step("transpose", (1, 0)),)))
    small = built.input(TensorType((1, 4, 2), "INT8"))
    first = built.add(Node("GATHER", (small, moved), TensorType((1, 6, 2), "INT8")))
    graph = built.gather(9, moved)
    both = Graph(graph.nodes, graph.inputs, (first, *graph.outputs), len(graph.nodes))
    found = values_of(both, index)
    assert (found.min(), found.max()) == (0, 3)


def test_what_scatter_writes_to_is_distinct() -> None:
    built = Built()
    index = built.input(INDICES)
    values = built.input(TensorType((1, 8, 3), "INT8"))
    written = built.input(TensorType((1, 6, 3), "INT8"))
    result = built.add(Node("SCATTER", (values, index, written), TensorType((1, 8, 3), "INT8")))
    graph = Graph(built.nodes, tuple(built.inputs), (result,), len(built.nodes))
    assert index_ranges(graph) == {index: IndexRange(0, 7, distinct=True)}
    found = values_of(graph, index)
    assert (found.min(), found.max()) == (0, 7)
    assert all(len(set(one.ravel())) == one.size for one in found)


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), ()])
def test_inputs_are_drawn_also_for_a_scatter_that_is_never_defined(shape: tuple[int, ...]) -> None:
    """Six indices into four rows are not distinct; neither is one that stands for all six."""
    built = Built()
    index = built.input(TensorType(shape, "INT32"))
    steps = (Step("reshape", (1,) * 2), Step("reshape", (1, 1))) if not shape else (Step("reshape", (1, 6)),)
    spread = built.add(move(index, TensorType(shape, "INT32"), steps))
    if not shape:
        spread = built.add(Node("TILE", (spread,), INDICES, {"multiples": (1, 6)}))
    values = built.input(TensorType((1, 4, 3), "INT8"))
    written = built.input(TensorType((1, 6, 3), "INT8"))
    result = built.add(Node("SCATTER", (values, spread, written), TensorType((1, 4, 3), "INT8")))
    graph = Graph(built.nodes, tuple(built.inputs), (result,), len(built.nodes))
    for one in (*check_inputs(graph, (), seed=1), *more_random_inputs(graph, (), seed=1)[:2]):
        assert one.arrays[0].shape == shape
        assert 0 <= one.arrays[0].min() <= one.arrays[0].max() <= 3


@pytest.mark.parametrize("seen", [(), (np.array([[1, 0, 4, 2, 3, 1]], np.int32),)])
def test_an_index_that_is_not_understood_is_one_that_was_seen(seen: tuple[np.ndarray, ...]) -> None:
    built = Built()
    index = built.input(INDICES)
    graph = built.gather(25, built.add(Node("MUL", (index, index, built.shift()), INDICES)))
    assert index_ranges(graph) == {index: None}
    table = np.zeros((1, 25, 3), np.int8)
    calibration = [(one, table) for one in seen]
    drawn = np.stack([one.arrays[0] for one in check_inputs(graph, calibration, seed=1)])
    assert ((drawn.min(), drawn.max()) == (0, 4)) == bool(seen)
