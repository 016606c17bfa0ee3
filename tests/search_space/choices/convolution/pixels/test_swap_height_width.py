"""Windows over height and width against windows over width and height."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution
from support.random.convolution.convolutions import TALL

from search_space.choices.convolution.pixels.swap_height_width import SwapHeightWidth
from search_space.ir.graph import INPUT, MOVE, Graph, Node, TensorType
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs


@settings(max_examples=60)
@given(
    op=st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D"]),
    width=st.integers(1, 3),
    taller=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pad=st.tuples(*[st.integers(0, 2)] * 4),
)
def test_wide_data_give_the_same(
    op: str, width: int, taller: int, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int],
    pad: tuple[int, int, int, int]
) -> None:  # fmt: skip
    one = Convolution(op, (width + taller, width), 2, 2, kernel, stride, pad, dilation)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    assume(min(one.data) > 0 and all(p <= reach[at // 2] for at, p in enumerate(pad)))
    graph = one.graph()
    after = SwapHeightWidth().apply(graph)
    moves_in = [] if one.data[1:3] == (1, 1) else [MOVE]
    assert [node.op for _, node in after.operators()] == [*moves_in, op, MOVE]
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_a_pool_is_turned() -> None:
    nodes = {
        0: Node(INPUT, (), TensorType((1, 6, 3, 2), "INT8")),
        1: Node(
            "MAX_POOL2D", (0,), TensorType((1, 3, 2, 2), "INT8"),
            {"kernel": (2, 2), "stride": (2, 1), "pad": (0, 0, 0, 0), "nan_mode": "PROPAGATE"},
        ),
    }  # fmt: skip
    graph = Graph(nodes, (0,), (1,), 2)
    after = SwapHeightWidth().apply(graph)
    assert [node.op for _, node in after.operators()] == [MOVE, "MAX_POOL2D", MOVE]
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize("results", [(2, 2), (1, 3)], ids=["square", "wide"])
def test_others_stay(results: tuple[int, int]) -> None:
    graph = Convolution(results=results).graph()
    assert SwapHeightWidth().apply(graph) is graph


class TestSwapHeightWidth(PassContract):
    a_pass = SwapHeightWidth()
    operators = TALL
