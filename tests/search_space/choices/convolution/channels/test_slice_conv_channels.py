"""Convolutions whose channels are sliced apart, against one for each slice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.attention import PROJECTIONS

from search_space.choices.convolution.channels.slice_conv_channels import SliceConvChannels
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs

Slices = list[tuple[tuple[int, ...], tuple[int, ...]]]


def projected(tokens: int, channels: int, steps: tuple[Step, ...], slices: Slices, zero_point: int = 0) -> Graph:
    """A linear over tokens, RESCALE per channel, movements, and slices at these starts with these sizes."""
    random = np.random.default_rng(tokens + channels)
    nodes = {
        0: Node(INPUT, (), TensorType((tokens, 1, 1, 4), "INT8")),
        1: constant(random.integers(-127, 128, (channels, 1, 1, 4), np.int8)),
        2: constant(random.integers(-1000, 1000, channels, np.int32)),
        3: constant(np.array([zero_point], np.int8)),
        4: constant(np.array([0], np.int8)),
        5: Node(
            "CONV2D", (0, 1, 2, 3, 4), TensorType((tokens, 1, 1, channels), "INT32"),
            {"pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": "INT32"},
        ),
        6: constant(random.integers(1 << 30, (1 << 31) - 1, channels, np.int32)),
        7: constant(random.integers(38, 40, channels).astype(np.int8)),
        8: constant(np.array([0], np.int32)),
        9: constant(np.array([-3], np.int8)),
        10: Node(
            "RESCALE", (5, 6, 7, 8, 9), TensorType((tokens, 1, 1, channels), "INT8"),
            {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": True, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    value = 10
    if steps:
        value = len(nodes)
        nodes[value] = move(10, nodes[10].type, steps)
    first = len(nodes)
    for start, size in slices:
        nodes[len(nodes)] = Node("SLICE", (value,), TensorType(size, "INT8"), {"start": start, "size": size})
    return Graph(nodes, (0,), tuple(range(first, len(nodes))), len(nodes))


@settings(max_examples=40)
@given(
    tokens=st.integers(1, 5), heads=st.integers(1, 3), each=st.integers(1, 4), zero_point=st.integers(-128, 127),
    form=st.sampled_from(["as it is", "apart", "channels first"]),
)  # fmt: skip
def test_each_slice_is_computed_by_itself(tokens: int, heads: int, each: int, zero_point: int, form: str) -> None:
    width = heads * each
    steps = {
        "as it is": (),
        "apart": (Step("reshape", (tokens, 3, heads, each)), Step("transpose", (2, 1, 0, 3))),
        "channels first": (Step("transpose", (3, 0, 1, 2)),),
    }[form]
    slices: Slices = {
        "as it is": [((0, 0, 0, i * width), (tokens, 1, 1, width)) for i in range(3)],
        "apart": [((0, i, 0, 0), (heads, 1, tokens, each)) for i in range(3)],
        "channels first": [((i * width, 0, 0, 0), (width, tokens, 1, 1)) for i in range(3)],
    }[form]
    graph = projected(tokens, 3 * width, steps, slices, zero_point)
    after = SliceConvChannels().apply(graph)
    ops = [node.op for _, node in after.operators()]
    assert "SLICE" not in ops
    assert ops.count("CONV2D") == 3
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(
    "graph",
    [
        projected(4, 6, (), [((0, 0, 0, 0), (4, 1, 1, 3))]),
        projected(4, 6, (), [((0, 0, 0, 0), (4, 1, 1, 4)), ((0, 0, 0, 3), (4, 1, 1, 3))]),
        projected(4, 6, (), [((0, 0, 0, 0), (2, 1, 1, 6)), ((2, 0, 0, 0), (2, 1, 1, 6))]),
        projected(4, 6, (Step("reshape", (24,)),), [((0,), (12,)), ((12,), (12,))]),
    ],
    ids=["one slice", "overlapping", "of tokens", "of merged dimensions"],
)
def test_others_stay(graph: Graph) -> None:
    assert SliceConvChannels().apply(graph) is graph


@pytest.mark.parametrize("also", [10, 5])
def test_what_is_read_as_a_whole_stays_whole(also: int) -> None:
    graph = projected(4, 6, (), [((0, 0, 0, 0), (4, 1, 1, 3)), ((0, 0, 0, 3), (4, 1, 1, 3))])
    read = Graph(graph.nodes, graph.inputs, (*graph.outputs, also), graph.next_id)
    assert SliceConvChannels().apply(read) is read


class TestSliceConvChannels(PassContract):
    a_pass = SliceConvChannels()
    operators = PROJECTIONS
