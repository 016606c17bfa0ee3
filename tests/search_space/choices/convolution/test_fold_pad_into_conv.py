"""Padded data of a convolution against its own padding."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution, Padding, padded
from support.random.convolution.convolutions import PADDED

from search_space.choices.convolution.fold_pad_into_conv import FoldPadIntoConv
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa


@settings(max_examples=60)
@given(
    op=st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D"]),
    padding=st.tuples(*[st.integers(0, 2)] * 4).filter(any),
    pad=st.sampled_from([(0, 0, 0, 0), (1, 0, 0, 2)]),
    dilation=st.sampled_from([(1, 1), (2, 3)]),
    zero_point=st.integers(-128, 127),
    nchw=st.booleans(),
)
def test_the_convolution_pads_as_much(
    op: str, padding: Padding, pad: Padding, dilation: tuple[int, int], zero_point: int, nchw: bool
) -> None:
    one = Convolution(op, (6, 7), 2, 2, (3, 3), (1, 1), pad, dilation, zero_point=zero_point)
    graph = padded(one, padding, zero_point, nchw)
    assert problems(graph) == []
    after = FoldPadIntoConv().apply(graph)
    reach = 2 * dilation[0], 2 * dilation[1]
    sums = [a + b for a, b in zip(padding, pad, strict=True)]
    assert (after is graph) == any(p > reach[at // 2] for at, p in enumerate(sums))
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(
    "graph",
    [
        padded(Convolution(), (1, 1, 1, 1), value=0),
        padded(Convolution(kernel=(1, 1)), (1, 1, 1, 1), value=-3),
        padded(Convolution(), (0, 0, 3, 0), value=-3),
        Convolution().graph(),
    ],
    ids=["another value", "more than the kernel's reach", "more to one side", "no PAD"],
)
def test_others_stay(graph: Graph) -> None:
    assert FoldPadIntoConv().apply(graph) is graph


def test_vela_refuses_padding_with_a_stride_that_it_splits() -> None:
    padding, target = (1, 1, 2, 2), Target.parse("ethos-u55-128")
    largest = padded(Convolution(kernel=(3, 8), stride=(1, 3)), padding, value=-3)
    after = FoldPadIntoConv().apply(largest)
    assert after is not largest
    compile_tosa(write_tosa(after), target)
    larger = padded(Convolution(kernel=(3, 8), stride=(1, 4)), padding, value=-3)
    assert FoldPadIntoConv().apply(larger) is larger
    compile_tosa(write_tosa(larger), target)
    with pytest.raises(VelaRefused):
        compile_tosa(write_tosa(Convolution(kernel=(3, 8), stride=(1, 4), pad=padding).graph()), target)


class TestFoldPadIntoConv(PassContract):
    a_pass = FoldPadIntoConv()
    operators = PADDED
