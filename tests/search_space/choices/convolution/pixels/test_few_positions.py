"""Convolutions with few positions: kernels without what meets padding only, and windows as pixels."""

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution

from search_space.choices.convolution.pixels.im2col import Im2col
from search_space.choices.convolution.trim_kernel import TrimKernel
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.tosa_file.writer import write_tosa
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


@settings(max_examples=150)
@given(
    choice=st.sampled_from([TrimKernel(), Im2col()]),
    op=st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D"]),
    results=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    channels=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.sampled_from([(1, 1), (1, 1), (2, 1), (3, 3)]),
    dilation=st.sampled_from([(1, 1), (1, 1), (1, 2)]),
    pad=st.tuples(*[st.integers(0, 3)] * 4),
    batch=st.integers(1, 2),
    zero_point=st.integers(-128, 127),
)
def test_they_give_the_same(
    choice: Pass, op: str, results: tuple[int, int], channels: int, kernel: tuple[int, int], stride: tuple[int, int],
    dilation: tuple[int, int], pad: tuple[int, int, int, int], batch: int, zero_point: int
) -> None:  # fmt: skip
    one = Convolution(op, results, channels, 2, kernel, stride, pad, dilation, batch, zero_point)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    assume(min(one.data) > 0 and all(p <= reach[at // 2] for at, p in enumerate(pad)))
    graph = one.graph()
    after = choice.apply(graph)
    event(f"{choice}: {', '.join(node.op for _, node in after.operators()) if after is not graph else 'unchanged'}")
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(("size", "places"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_only_places_that_meet_pixels_are_left(size: int, places: int) -> None:
    """A kernel of 3 in rows of `size` pixels, one position in 2."""
    results = (size + 1) // 2
    after = size % 2
    one = Convolution(results=(1, results), kernel=(1, 3), stride=(1, 2), pad=(0, 0, 1, after))
    assert one.data[2] == size
    graph = TrimKernel().apply(one.graph())
    assert graph[graph[5].inputs[1]].type.shape[2] == places


def test_a_window_that_is_all_the_data_is_reshaped() -> None:
    graph = Im2col().apply(Convolution(results=(1, 1), kernel=(3, 4), channels=2).graph())
    assert [node.op for _, node in graph.operators()] == ["MOVE", "CONV2D"]


@pytest.mark.parametrize(
    "one",
    [
        Convolution(results=(5, 4)),
        Convolution(kernel=(1, 1)),
        Convolution(results=(1, 2), dilation=(2, 2)),
        Convolution("DEPTHWISE_CONV2D", results=(1, 2), channels=2),
        Convolution(results=(1, 1), kernel=(64, 64), channels=17, out=1),
    ],
    ids=["more positions", "one pixel", "dilated", "channel by channel", "more channels than Vela takes"],
)
def test_other_windows_stay(one: Convolution) -> None:
    graph = one.graph()
    assert Im2col().apply(graph) is graph


def test_windows_as_pixels_take_fewer_cycles_on_ethos_u85() -> None:
    target = Target.parse("ethos-u85-256")
    graph = Convolution(results=(1, 4), channels=64, out=128, kernel=(1, 3), pad=(0, 0, 1, 1)).graph()
    before, after = (compile_tosa(write_tosa(one), target) for one in (graph, Im2col().apply(graph)))
    assert after.vela_cycles < before.vela_cycles
