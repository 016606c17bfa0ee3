"""Depthwise convolutions against full ones with a diagonal."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import TARGETS, changed, convolution, operators, reach_of
from support.random.convolution.new_convolutions import DEPTHWISE

from search_space.choices.convolution.depthwise_as_conv import DepthwiseAsConv
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def depthwise(
    size: tuple[int, int], channels: int, times: int, kernel: Shape, stride: Shape = (1, 1),
    pad: Shape = (0, 0, 0, 0), data_type: str = "INT8",
) -> Graph:  # fmt: skip
    data = (1, *size, channels)
    return convolution(data, kernel, channels * times, stride, pad, depthwise=True, data_type=data_type)


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.sampled_from([2, 3, 8, 9, 16, 20]),
    times=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pad=st.tuples(*[st.integers(0, 1)] * 4),
)
def test_a_full_one_with_a_diagonal_is_the_same(
    size: tuple[int, int], channels: int, times: int, kernel: Shape, stride: Shape, pad: Shape
) -> None:
    reach = reach_of((1, *size, channels), kernel, pad)
    assume(all(one >= 0 and one % step == 0 for one, step in zip(reach, stride, strict=True)))
    graph = depthwise(size, channels, times, kernel, stride, pad)
    if channels <= 8:
        assert operators(changed(graph, DepthwiseAsConv())) == ["CONV2D", "RESCALE"]
    else:
        assert DepthwiseAsConv().apply(graph) is graph
        groups = -(-channels // 8)
        after = operators(changed(graph, DepthwiseAsConv(grouped=True)))
        assert after == ["SLICE", "CONV2D", "RESCALE"] * groups + ["CONCAT"]


@pytest.mark.parametrize("target", TARGETS)
def test_several_results_for_a_channel_are_one_operation_of_a_fifth_of_the_cycles(target: str) -> None:
    graph = depthwise((16, 16), 8, 2, (3, 3), pad=(1, 1, 1, 1))
    costs = [compile_tosa(write_tosa(one), Target.parse(target)) for one in (graph, DepthwiseAsConv().apply(graph))]
    assert costs[1].npu_ops == 1 < costs[0].npu_ops
    before, after = (stream_cycles(decode(one.command_stream), Target.parse(target)).total_cycles for one in costs)
    assert 5 * after < before


def test_others_stay() -> None:
    for graph in (
        depthwise((4, 4), 1, 8, (3, 3)),
        depthwise((4, 4), 8, 1, (3, 3), data_type="INT16"),
        depthwise((2, 2), 8 * 24 + 1, 1, (1, 1)),
    ):
        for grouped in (False, True):
            assert DepthwiseAsConv(grouped).apply(graph) is graph


@pytest.mark.parametrize("target", TARGETS)
def test_vela_reads_and_writes_groups_where_they_are(target: str) -> None:
    after = DepthwiseAsConv(grouped=True).apply(depthwise((6, 6), 8 * 24, 1, (3, 3)))
    assert {one.npu_op for one in compile_tosa(write_tosa(after), Target.parse(target)).operators} == {"Conv2D"}


class TestDepthwiseAsConv(PassContract):
    a_pass = DepthwiseAsConv()
    operators = DEPTHWISE


class TestDepthwiseAsConvGrouped(PassContract):
    a_pass = DepthwiseAsConv(grouped=True)
    operators = DEPTHWISE
