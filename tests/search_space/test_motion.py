"""Programs on which moving a map needs care."""

from test_passes import assert_same_program

from search_space.graph import INPUT, MOVE, Graph, Node, Step, TensorType, move
from search_space.passes.through_concat import ThroughConcat


def _input(*shape: int) -> Node:
    return Node(INPUT, (), TensorType(shape, "INT8"))


def test_a_result_whose_dimensions_were_merged_is_merged_behind_the_operator() -> None:
    """The axis is one dimension of the two that [1,4,2] has as one."""
    joined = TensorType((1, 2, 2, 2), "INT8")
    steps = (Step("transpose", (0, 1, 3, 2)), Step("reshape", (1, 4, 2)))
    nodes = {0: _input(1, 2, 2, 2), 1: Node("CONCAT", (0,), joined, {"axis": 1}), 2: move(1, joined, steps)}
    graph = Graph(nodes, (0,), (2,), 3)
    after = ThroughConcat(up=True).apply(graph)
    assert_same_program(graph, after)
    assert after[2].op == MOVE
    assert after[2].layout_map.keeps_order
