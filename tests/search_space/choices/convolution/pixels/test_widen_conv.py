"""Convolutions with few channels against those that give several pixels as one."""

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import TARGETS, changed, convolution, operators, reach_of
from support.random.convolution.new_convolutions import FEW_INPUTS

from search_space.choices.convolution.pixels.widen_conv import WidenConv
from search_space.ir.graph import Graph, Node, TensorType
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


@settings(max_examples=60)
@given(
    data=st.tuples(st.integers(1, 2), st.integers(1, 4), st.sampled_from([5, 6, 8, 9, 12, 16]), st.integers(1, 5)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 5)),
    channels=st.integers(1, 12),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    pad=st.tuples(*[st.integers(0, 2)] * 4),
    depthwise=st.booleans(),
)
def test_a_wider_convolution_gives_the_same(
    data: Shape, kernel: Shape, channels: int, stride: Shape, pad: Shape, depthwise: bool
) -> None:
    if depthwise:
        data = (*data[:3], 1)
    reach = reach_of(data, kernel, pad)
    assume(all(one >= 0 and one % step == 0 for one, step in zip(reach, stride, strict=True)))
    graph = convolution(data, kernel, channels, stride, pad, depthwise=depthwise)
    after = WidenConv().apply(graph)
    if after is not graph:
        changed(graph, WidenConv())
        assert [one for one in operators(after) if one not in ("PAD", "SLICE")] == ["CONV2D", "RESCALE"]


@settings(max_examples=40)
@given(
    width=st.integers(13, 31),
    columns=st.integers(16, 24),
    stride=st.integers(1, 2),
    pad=st.tuples(st.integers(0, 12), st.integers(0, 12)),
    depthwise=st.booleans(),
)
def test_rows_of_any_length_are_filled_up_and_cut(
    width: int, columns: int, stride: int, pad: Shape, depthwise: bool
) -> None:
    data = (1, 2, width, 1)
    (_, reach) = reach_of(data, (1, columns), (0, 0, *pad))
    assume(reach >= 0 and reach % stride == 0)
    graph = convolution(data, (1, columns), 3, (1, stride), (0, 0, *pad), depthwise=depthwise)
    if WidenConv().apply(graph) is not graph:
        found = operators(changed(graph, WidenConv()))
        event(", ".join(one for one in found if one != "MOVE"))


@pytest.mark.parametrize("name", TARGETS)
def test_a_prime_number_of_results_takes_half_the_cycles(name: str) -> None:
    graph = convolution((1, 22, 256, 1), (1, 64), 8, pad=(0, 0, 32, 32))
    target = Target.parse(name)
    streams = [
        compile_tosa(write_tosa(one), target, operators=False).command_stream
        for one in (graph, changed(graph, WidenConv()))
    ]
    narrow, wide = (stream_cycles(decode(stream), target).total_cycles for stream in streams)
    assert 2 * wide < narrow


@pytest.mark.parametrize(
    ("graph", "shape"),
    [
        (convolution((1, 16, 16, 12), (3, 3), 12, pad=(1, 1, 1, 1)), (24, 3, 4, 12)),
        (convolution((1, 49, 10, 1), (10, 4), 64, (2, 2), (5, 4, 1, 1), depthwise=True), (320, 1, 10, 10)),
    ],
    ids=["twelve channels", "a row is a pixel"],
)
def test_empty_channels_and_taps_are_filled(graph: Graph, shape: Shape) -> None:
    after = changed(graph, WidenConv())
    (wide,) = (node for _, node in after.operators() if node.op == "CONV2D")
    assert after[wide.inputs[1]].type.shape == shape


@pytest.mark.parametrize("name", TARGETS)
def test_vela_takes_a_kernel_of_many_columns_as_one_operation(name: str) -> None:
    graph = convolution((1, 1, 256, 4), (1, 129), 128, pad=(0, 0, 64, 64))
    after = changed(graph, WidenConv())
    (wide,) = (node for _, node in after.operators() if node.op == "CONV2D")
    assert after[wide.inputs[1]].type.shape[2] > 64
    costs = [compile_tosa(write_tosa(one), Target.parse(name)) for one in (graph, after)]
    assert [sum(row.source_op == "Conv2D" for row in cost.operators) for cost in costs] == [1, 1]
    assert costs[1].vela_cycles < costs[0].vela_cycles


def test_other_convolutions_stay() -> None:
    full = convolution((1, 16, 16, 16), (3, 3), 16, pad=(1, 1, 1, 1))
    wide = convolution((1, 16, 16, 12), (3, 3), 12, pad=(1, 1, 1, 1), data_type="INT16")
    dilated = convolution((1, 16, 16, 12), (3, 3), 12, pad=(2, 2, 2, 2), dilation=(2, 2))
    odd = convolution((1, 16, 17, 12), (3, 3), 12, pad=(1, 1, 1, 1))
    narrow = convolution((1, 16, 16, 12), (3, 3), 12, pad=(1, 1, 1, 1))
    joined = Node("CONCAT", (10, 10), TensorType((1, 16, 32, 12), "INT8"), {"axis": 2})
    written_into = Graph({**narrow.nodes, 11: joined}, (0,), (11,), 12)
    for graph in (full, wide, dilated, odd, written_into):
        assert WidenConv().apply(graph) is graph


class TestWidenConv(PassContract):
    a_pass = WidenConv()
    operators = FEW_INPUTS


class TestWidenConvByTaps(PassContract):
    a_pass = WidenConv(by_taps=True)
    operators = FEW_INPUTS
