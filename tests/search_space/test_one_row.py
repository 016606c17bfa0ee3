"""1x1 convolutions on a batch of pixels against the same on one row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program_values import input_sets, outputs

from search_space.choices.one_row import OneRow
from search_space.graph import INPUT, Graph, Node, TensorType, constant
from search_space.layout_map import Shape
from search_space.verifier import problems


def convolved(shape: Shape, kernel: Shape = (1, 1), stride: Shape = (1, 1), pad: Shape = (0, 0, 0, 0)) -> Graph:
    """A convolution with 5 output channels."""
    random = np.random.default_rng(sum(shape))
    n, h, w, c = shape
    down = (h + pad[0] + pad[1] - kernel[0]) // stride[0] + 1
    across = (w + pad[2] + pad[3] - kernel[1]) // stride[1] + 1
    nodes = {
        0: Node(INPUT, (), TensorType(shape, "INT8")),
        1: constant(random.integers(-127, 128, (5, *kernel, c), np.int8)),
        2: constant(random.integers(-1000, 1000, 5, np.int32)),
        3: constant(np.array([11], np.int8)),
        4: constant(np.array([0], np.int8)),
        5: Node(
            "CONV2D", (0, 1, 2, 3, 4), TensorType((n, down, across, 5), "INT32"),
            {"pad": pad, "stride": stride, "dilation": (1, 1), "local_bound": False, "acc_type": "INT32"},
        ),
    }  # fmt: skip
    return Graph(nodes, (0,), (5,), len(nodes))


@settings(max_examples=30)
@given(
    pixels=st.one_of(
        st.tuples(st.integers(2, 4), st.integers(1, 4), st.integers(1, 4)),
        st.tuples(st.just(1), st.integers(2, 9), st.just(1)),
    ),
    channels=st.integers(1, 4),
)
def test_it_convolves_one_row(pixels: Shape, channels: int) -> None:
    graph = convolved((*pixels, channels))
    after = OneRow().apply(graph)
    (rows,) = (node.type.shape for _, node in after.operators() if node.op == "CONV2D")
    assert rows[:2] == (1, 1)
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(
    "graph",
    [
        convolved((1, 1, 9, 3)),
        convolved((2, 4, 4, 3), kernel=(1, 2)),
        convolved((2, 4, 4, 3), stride=(1, 3)),
        convolved((2, 4, 4, 3), pad=(1, 1, 0, 0)),
        convolved((1, 2, 3, 3)),
        convolved((257, 256, 1, 1)),
    ],
    ids=["one row already", "kernel", "stride", "padding", "an image", "too long"],
)
def test_others_stay(graph: Graph) -> None:
    assert OneRow().apply(graph) is graph
