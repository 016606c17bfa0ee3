"""Sums over height and width, as ExecuTorch lowers a mean, against the same as a convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program_values import input_sets, outputs

from search_space.choices.sum_by_depthwise import SumByDepthwise
from search_space.graph import INPUT, Graph, Node, TensorType, constant
from search_space.layout_map import Shape
from search_space.verifier import problems


def summed(shape: Shape, axes: list[int], zero_point: int, multiplier: int = 1 << 30, dtype: str = "INT8") -> Graph:
    """RESCALE to int32, then a REDUCE_SUM for each axis."""
    nodes = {
        0: Node(INPUT, (), TensorType(shape, dtype)),
        1: constant(np.array([multiplier], np.int32)),
        2: constant(np.array([30], np.int8)),
        3: constant(np.array([zero_point], np.int8 if dtype == "INT8" else np.int16)),
        4: constant(np.array([0], np.int32)),
        5: Node(
            "RESCALE", (0, 1, 2, 3, 4), TensorType(shape, "INT32"),
            {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    for axis in axes:
        shape = (*shape[:axis], 1, *shape[axis + 1 :])
        last = len(nodes)
        nodes[last] = Node("REDUCE_SUM", (last - 1,), TensorType(shape, "INT32"), {"axis": axis})
    return Graph(nodes, (0,), (len(nodes) - 1,), len(nodes))


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
    axes=st.sampled_from([[1], [2], [1, 2], [2, 1], [1, 1]]),
    zero_point=st.integers(-128, 127),
    whole=st.booleans(),
)
def test_it_gives_the_same_sums(shape: Shape, axes: list[int], zero_point: int, whole: bool) -> None:
    graph = summed(shape, axes, zero_point)
    after = SumByDepthwise(whole).apply(graph)
    rest = [] if whole else ["REDUCE_SUM"] * (len(axes) - 1)
    assert [node.op for _, node in after.operators()] == ["DEPTHWISE_CONV2D", *rest]
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(
    "graph",
    [
        summed((1, 4, 4, 3), [3], 5),
        summed((1, 4, 4, 3), [1], 5, multiplier=1 << 29),
        summed((4, 4, 3), [1], 5),
        summed((1, 65, 4, 3), [1], 5),
        summed((1, 4, 4, 3), [1], 0, dtype="INT16"),
    ],
    ids=["channels", "scaled", "rank 3", "more rows than a kernel has", "int16"],
)
def test_other_sums_stay(graph: Graph) -> None:
    assert SumByDepthwise().apply(graph) is graph


def test_of_a_sum_that_others_read_only_the_rest_is_a_convolution() -> None:
    graph = summed((1, 4, 4, 3), [1, 2], 5)
    both = Graph(graph.nodes, graph.inputs, (6, 7), graph.next_id)
    after = SumByDepthwise(whole=True).apply(both)
    assert [node.op for _, node in after.operators()] == ["DEPTHWISE_CONV2D", "REDUCE_SUM"]
    for arrays in input_sets(both):
        assert outputs(after, arrays) == outputs(both, arrays)
