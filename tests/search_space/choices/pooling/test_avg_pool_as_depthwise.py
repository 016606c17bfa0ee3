"""Averages over windows against depthwise convolutions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import changed, operators
from support.random.convolution.new_convolutions import AVERAGES, WHOLE_AVERAGES

from search_space.choices.pooling.avg_pool_as_depthwise import AvgPoolAsDepthwise
from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.layout_map import Shape
from velatune.testing import PassContract


def pooled(
    size: Shape, kernel: Shape, stride: Shape = (1, 1), pad: int = 0, dtype: str = "INT8",
    zero_points: tuple[int, int] = (0, 0),
) -> Graph:  # fmt: skip
    """AVG_POOL2D of two images of `size` with three channels, whose results are `size`."""
    full = tuple((one - 1) * step + window - 2 * pad for one, step, window in zip(size, stride, kernel, strict=True))
    numpy_type = np.int8 if dtype == "INT8" else np.int16
    nodes = {
        0: Node(INPUT, (), TensorType((2, *full, 3), dtype)),
        1: constant(np.array([zero_points[0]], numpy_type)),
        2: constant(np.array([zero_points[1]], numpy_type)),
        3: Node(
            "AVG_POOL2D", (0, 1, 2), TensorType((2, *size, 3), dtype),
            {"kernel": kernel, "stride": stride, "pad": (pad,) * 4, "acc_type": "INT32"},
        ),
    }  # fmt: skip
    return Graph(nodes, (0,), (3,), 4)


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(2, 4), st.integers(1, 4)),
    kernel=st.tuples(st.integers(1, 6), st.integers(2, 6)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    zero_points=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
)
def test_averages_are_the_same(size: Shape, kernel: Shape, stride: Shape, zero_points: tuple[int, int]) -> None:
    after = changed(pooled(size, kernel, stride, zero_points=zero_points), AvgPoolAsDepthwise())
    assert operators(after) == ["DEPTHWISE_CONV2D", "RESCALE"]


@settings(max_examples=30)
@given(
    kernel=st.tuples(st.integers(1, 9), st.integers(2, 9)),
    zero_points=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
)
def test_averages_of_all_are_the_same(kernel: Shape, zero_points: tuple[int, int]) -> None:
    after = changed(pooled((1, 1), kernel, zero_points=zero_points), AvgPoolAsDepthwise(global_pools=True))
    assert operators(after) == ["DEPTHWISE_CONV2D", "REDUCE_SUM", "RESCALE"]


def test_each_option_leaves_the_other_averages() -> None:
    assert AvgPoolAsDepthwise(global_pools=True).apply(small := pooled((3, 3), (3, 3))) is small
    assert AvgPoolAsDepthwise().apply(high := pooled((1, 1), (65, 1))) is high


@pytest.mark.parametrize("kernel", [(65, 1), (67, 3), (128, 5), (100, 100)])
def test_averages_of_more_rows_than_a_kernel_has_are_the_same(kernel: Shape) -> None:
    after = changed(pooled((1, 1), kernel, zero_points=(-5, 9)), AvgPoolAsDepthwise(global_pools=True))
    assert "AVG_POOL2D" not in operators(after)


@pytest.mark.parametrize(
    "graph",
    [
        pooled((3, 3), (3, 3), pad=1),
        pooled((3, 3), (2, 2), dtype="INT16"),
        pooled((3, 3), (7, 7)),
        pooled((1, 1), (3, 3)),
        pooled((3, 3), (1, 1)),
    ],
    ids=["padded", "int16", "large", "whole", "one"],
)
def test_others_stay(graph: Graph) -> None:
    assert AvgPoolAsDepthwise().apply(graph) is graph


class TestAvgPoolAsDepthwise(PassContract):
    a_pass = AvgPoolAsDepthwise()
    operators = AVERAGES


class TestAvgPoolAsDepthwiseGlobalPools(PassContract):
    a_pass = AvgPoolAsDepthwise(global_pools=True)
    operators = WHOLE_AVERAGES
