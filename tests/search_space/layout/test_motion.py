"""Programs on which moving a map needs care."""

import numpy as np

from search_space.ir.graph import INPUT, MOVE, Graph, Node, Step, TensorType, constant, move
from search_space.passes.through.through_concat import ThroughConcat
from search_space.passes.through.through_gathers import ThroughGathers
from search_space.passes.through.through_reductions import ThroughReductions
from search_space.passes.through.through_slices import ThroughSlices
from velatune.testing import assert_same_program


def _input(*shape: int) -> Node:
    return Node(INPUT, (), TensorType(shape, "INT8"))


def test_a_result_whose_dimensions_were_merged_is_merged_behind_the_operator() -> None:
    """What is cut is one dimension of the two that [1,4,2] has as one."""
    cut = TensorType((1, 2, 2, 2), "INT8")
    steps = (Step("transpose", (0, 1, 3, 2)), Step("reshape", (1, 4, 2)))
    part = Node("SLICE", (0,), cut, {"start": (0, 1, 0, 0), "size": (1, 2, 2, 2)})
    nodes = {0: _input(1, 3, 2, 2), 1: part, 2: move(1, cut, steps)}
    graph = Graph(nodes, (0,), (2,), 3)
    after = ThroughSlices(up=True).apply(graph)
    assert_same_program(graph, after)
    assert after[2].op == MOVE
    assert after[2].layout_map.keeps_order


def test_a_reshape_passes_only_where_it_stays_one() -> None:
    """As movements of [3,9,1] and [3,9,2], one reshape is free and the other is not: operands would change for ever."""
    rows, flat, joined = TensorType((1, 3, 9), "INT8"), TensorType((3, 9, 1), "INT8"), TensorType((3, 9, 5), "INT8")
    flatten = (Step("reshape", flat.shape),)
    nodes = {
        0: _input(1, 3, 9), 1: _input(3, 9, 1), 2: _input(9, 3, 2),
        3: move(0, rows, flatten), 4: move(2, TensorType((9, 3, 2), "INT8"), (Step("transpose", (1, 0, 2)),)),
        5: Node("CONCAT", (3, 3, 1, 4), joined, {"axis": 2}),
    }  # fmt: skip
    graph = Graph(nodes, (0, 1, 2), (5,), 6)
    after = ThroughConcat(mixed=True).apply(graph)
    assert_same_program(graph, after)
    reduced = TensorType((3, 1, 9), "INT8")
    behind = {
        0: _input(3, 4, 9), 1: Node("REDUCE_MAX", (0,), reduced, {"axis": 1, "nan_mode": "PROPAGATE"}),
        2: move(1, reduced, (Step("reshape", (1, 3, 9)),)),
    }  # fmt: skip
    graph = Graph(behind, (0,), (2,), 3)
    assert ThroughReductions(up=True).apply(graph) is graph


def _picked(shape: tuple[int, ...], perms: tuple[int, ...], indices: list[list[int]]) -> Graph:
    """Entries of a moved input."""
    moved = tuple(shape[p] for p in perms)
    picked = TensorType((moved[0], len(indices[0]), moved[2]), "INT8")
    nodes = {
        0: _input(*shape), 1: move(0, TensorType(shape, "INT8"), (Step("transpose", perms),)),
        2: constant(np.array(indices, np.int32)), 3: Node("GATHER", (1, 2), picked),
    }  # fmt: skip
    return Graph(nodes, (0,), (3,), 4)


def test_a_row_of_indices_is_enough_where_all_are_the_same() -> None:
    graph = _picked((4, 2, 3), (1, 0, 2), [[1, 3], [1, 3]])
    after = ThroughGathers().apply(graph)
    assert_same_program(graph, after)
    (gather,) = (node for _, node in after.operators() if node.op == "GATHER")
    assert (after[gather.inputs[0]].op, after[gather.inputs[1]].type.shape) == (MOVE, (1, 2))
    assert after[gather.inputs[0]].layout_map.keeps_order


def test_indices_of_their_own_stay_with_their_batch() -> None:
    graph = _picked((4, 2, 3), (1, 0, 2), [[1, 3], [3, 1]])
    assert ThroughGathers().apply(graph) is graph


def test_no_shorter_runs_are_picked() -> None:
    graph = _picked((3, 4, 1), (2, 1, 0), [[1, 3]])
    assert ThroughGathers().apply(graph) is graph
