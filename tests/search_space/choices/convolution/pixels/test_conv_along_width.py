"""Convolutions of one column against the same of one row."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import TARGETS, changed, convolution, operators, reach_of
from support.random.convolution.convolutions import COLUMNS

from search_space.choices.convolution.pixels.conv_along_width import ConvAlongWidth
from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


@settings(max_examples=40)
@given(
    data=st.tuples(st.integers(1, 2), st.integers(2, 9), st.just(1), st.integers(1, 4)),
    rows=st.integers(1, 5),
    channels=st.integers(1, 3),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 2)),
    pad=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    dilation=st.integers(1, 2),
    depthwise=st.booleans(),
)
def test_a_row_gives_the_same(
    data: tuple[int, int, int, int], rows: int, channels: int, stride: tuple[int, int], pad: tuple[int, int],
    dilation: int, depthwise: bool
) -> None:  # fmt: skip
    kernel, padding, apart = (rows, 1), (*pad, 0, 0), (dilation, 1)
    reach = reach_of(data, kernel, padding, apart)[0]
    assume(max(pad) <= (rows - 1) * dilation and reach >= 0 and reach % stride[0] == 0)
    channels = data[3] * channels if depthwise else channels
    graph = convolution(data, kernel, channels, stride, padding, apart, depthwise=depthwise)
    after = changed(graph, ConvAlongWidth())
    assert operators(after) == operators(graph)
    (one,) = (node for _, node in after.operators() if "CONV2D" in node.op)
    assert after[one.inputs[0]].type.shape == (data[0], 1, data[1], data[3])
    assert one.type.shape[1] == 1


@pytest.mark.parametrize(
    "graph",
    [
        convolution((1, 1, 8, 4), (1, 3), 4),
        convolution((1, 8, 2, 4), (3, 1), 4),
        convolution((1, 8, 1, 4), (3, 1), 4, pad=(0, 0, 1, 0)),
        convolution((1, 8, 1, 4), (3, 3), 4, pad=(0, 0, 1, 1)),
        convolution((2, 1, 1, 4), (1, 1), 4),
    ],
    ids=["a row", "two columns", "more columns by padding", "a wide kernel", "one pixel"],
)
def test_others_stay(graph: Graph) -> None:
    assert ConvAlongWidth().apply(graph) is graph


@pytest.mark.parametrize("name", TARGETS)
def test_a_long_kernel_takes_fewer_cycles_along_a_row(name: str) -> None:
    graph = convolution((1, 128, 1, 16), (64, 1), 16, pad=(31, 32, 0, 0))
    before, after = (
        compile_tosa(write_tosa(one), Target.parse(name)) for one in (graph, ConvAlongWidth().apply(graph))
    )
    assert after.vela_cycles < before.vela_cycles


class TestConvAlongWidth(PassContract):
    a_pass = ConvAlongWidth()
    operators = COLUMNS
