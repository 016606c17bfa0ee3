"""What the table of rewrites takes for a movement."""

import numpy as np
import pytest

from benchmarks.lowering.rewrites.moves import interior_moves, moves_by_convolution, moving
from search_space.choices.data_movement.transpose_as_conv import TransposeAsConv
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 16, 5, 7)])
def test_a_movement_that_is_a_convolution_is_known_as_one(shape: tuple[int, ...]) -> None:
    source = TensorType(shape, "INT8")
    graph = Graph({0: Node(INPUT, (), source), 1: move(0, source, (Step("transpose", (0, 2, 3, 1)),))}, (0,), (1,), 2)
    after = TransposeAsConv().apply(graph)
    assert [*moving(graph)] and not [*moving(after)] and not [*interior_moves(graph)]
    known = {node.op for node_id, node in after.operators() if moves_by_convolution(after, node_id)}
    assert known == {"CONV2D", "RESCALE"}
    assert not any(moves_by_convolution(graph, node_id) for node_id, _ in graph.operators())


@pytest.mark.parametrize("row", [[1, 1], [2, 0]])
def test_a_convolution_that_computes_is_none(row: list[int]) -> None:
    weights = np.array([[1, 0], row], np.int8).reshape(2, 1, 1, 2)
    nodes = {
        0: Node(INPUT, (), TensorType((1, 4, 4, 2), "INT8")), 1: constant(weights),
        2: constant(np.zeros(2, np.int32)), 3: constant(np.zeros(1, np.int8)),
        4: Node("CONV2D", (0, 1, 2, 3, 3), TensorType((1, 4, 4, 2), "INT32")),
    }  # fmt: skip
    assert not moves_by_convolution(Graph(nodes, (0,), (4,), 5), 4)
