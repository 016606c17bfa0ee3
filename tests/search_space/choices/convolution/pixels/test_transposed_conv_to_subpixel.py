"""Transposed convolutions against a convolution for each phase."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import TARGETS, changed, layer, operators
from support.random.convolution.new_convolutions import PHASES

from search_space.choices.convolution.pixels.transposed_conv_to_subpixel import TransposedConvToSubpixel
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def transposed(
    data: Shape, kernel: Shape, channels: int, stride: Shape, before: Shape, per_channel: bool = True,
    wide_bias: bool = True, size: Shape | None = None, data_type: str = "INT8",
) -> Graph:  # fmt: skip
    """TRANSPOSE_CONV2D whose result is `size`, or the data's size times the stride."""
    size = size or (data[1] * stride[0], data[2] * stride[1])
    after = [size[at] - (data[at + 1] - 1) * stride[at] - kernel[at] - before[at] for at in (0, 1)]
    return layer(
        "TRANSPOSE_CONV2D", data, (channels, *kernel, data[3]), (data[0], *size, channels), per_channel, wide_bias,
        data_type=data_type, out_pad=(before[0], after[0], before[1], after[1]), stride=stride,
    )  # fmt: skip


@settings(max_examples=60)
@given(
    data=st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    channels=st.integers(1, 3),
    before=st.tuples(st.integers(-5, 3), st.integers(-5, 3)),
    per_channel=st.booleans(),
    wide_bias=st.booleans(),
)
def test_phases_are_the_transposed_convolution(
    data: Shape, kernel: Shape, stride: Shape, channels: int, before: Shape, per_channel: bool, wide_bias: bool
) -> None:
    # Of both sides together it is stride - kernel; of each it has to be more than -kernel.
    before = tuple(
        min(max(pad, 1 - size), step - 1) for pad, size, step in zip(before, kernel, stride, strict=True)
    )  # fmt: skip
    graph = transposed(data, kernel, channels, stride, before, per_channel, wide_bias)
    after = changed(graph, TransposedConvToSubpixel())
    assert operators(after) == ["CONV2D", "RESCALE"] * stride[0] + ["CONCAT"] * (stride[0] > 1)


def test_other_transposed_convolutions_stay() -> None:
    whole = transposed((1, 4, 4, 2), (3, 3), 2, (2, 2), (0, 0), size=(9, 9))
    unscaled = Graph({i: whole[i] for i in range(6)}, (0,), (5,), 6)
    far = transposed((1, 4, 4, 2), (5, 5), 2, (5, 5), (0, 0))
    wide = transposed((1, 4, 4, 2), (2, 2), 2, (2, 2), (0, 0), data_type="INT16")
    for graph in (whole, unscaled, far, wide):
        assert TransposedConvToSubpixel().apply(graph) is graph


@pytest.mark.parametrize("target", TARGETS)
def test_vela_takes_every_phase_and_fuses_its_rescale(target: str) -> None:
    after = TransposedConvToSubpixel().apply(transposed((1, 8, 8, 16), (4, 4), 12, (2, 2), (-1, -1)))
    compiled = compile_tosa(write_tosa(after), Target.parse(target))
    assert {one.npu_op for one in compiled.operators} == {"Conv2D"}


class TestTransposedConvToSubpixel(PassContract):
    a_pass = TransposedConvToSubpixel()
    operators = PHASES
