"""Convolutions of some channels against convolutions of all of them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import changed, convolution, operators
from support.random.data_movement.copies import SLICED

from search_space.choices.convolution.channels.fold_channel_slice import FoldChannelSlice
from search_space.ir.graph import INPUT, Graph, Node, TensorType
from search_space.ir.layout_map import Shape
from velatune.testing import PassContract


def of_some(whole: Shape, start: Shape, size: Shape, kernel: Shape = (1, 1)) -> Graph:
    """A padded convolution of a SLICE of an input."""
    pad = tuple(kernel[at // 2] // 2 for at in range(4))
    graph = convolution(size, kernel, 3, pad=pad)
    part = Node("SLICE", (11,), TensorType(size, "INT8"), {"start": start, "size": size})
    nodes = {**graph.nodes, 11: Node(INPUT, (), TensorType(whole, "INT8")), 0: part}
    return Graph(nodes, (11,), graph.outputs, 12)


@settings(max_examples=30)
@given(
    size=st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5)),
    before=st.integers(0, 3), behind=st.integers(0, 3), kernel=st.sampled_from([(1, 1), (3, 3), (1, 3)]),
)  # fmt: skip
def test_all_channels_give_the_same(size: Shape, before: int, behind: int, kernel: Shape) -> None:
    whole = (*size[:3], before + size[3] + behind)
    after = changed(of_some(whole, (0, 0, 0, before), size, kernel), FoldChannelSlice())
    assert operators(after) == ["CONV2D", "RESCALE"]


@pytest.mark.parametrize(
    "graph",
    [
        of_some((1, 5, 4, 3), (0, 1, 0, 0), (1, 4, 4, 3)),
        of_some((1, 4, 4, 300), (0, 0, 0, 0), (1, 4, 4, 3)),
        convolution((1, 4, 4, 3), (1, 1), 3),
    ],
    ids=["rows", "far more channels", "no slice"],
)
def test_others_stay(graph: Graph) -> None:
    assert FoldChannelSlice().apply(graph) is graph


def test_a_slice_that_others_read_stays_for_them() -> None:
    graph = of_some((1, 4, 4, 6), (0, 0, 0, 3), (1, 4, 4, 3))
    both = replace(graph, outputs=(10, 0))
    assert sorted(operators(changed(both, FoldChannelSlice()))) == ["CONV2D", "RESCALE", "SLICE"]


class TestFoldChannelSlice(PassContract):
    a_pass = FoldChannelSlice()
    operators = SLICED
