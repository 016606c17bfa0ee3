"""Convolutions with a stride against the same on blocks of pixels."""

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution, padded
from support.random.convolution.convolutions import STRIDED

from search_space.choices.convolution.pixels.space_to_depth import SpaceToDepth
from search_space.ir.graph import MOVE
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

strides = st.sampled_from([(1, 4), (4, 1), (4, 4), (2, 2), (5, 2), (1, 7)])


@settings(max_examples=120)
@given(
    op=st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D"]),
    results=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    channels=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    stride=strides,
    pad=st.tuples(*[st.integers(0, 8)] * 4),
    zero_point=st.integers(-128, 127),
    weight_zero_point=st.sampled_from([0, 0, 7]),
    moved=st.booleans(),
)
def test_blocks_of_pixels_give_the_same(
    op: str, results: tuple[int, int], channels: int, kernel: tuple[int, int], stride: tuple[int, int],
    pad: tuple[int, int, int, int], zero_point: int, weight_zero_point: int, moved: bool
) -> None:  # fmt: skip
    one = Convolution(
        op, results, 1 if op == "DEPTHWISE_CONV2D" else channels, 3, kernel, stride, pad, zero_point=zero_point,
        weight_zero_point=weight_zero_point,
    )  # fmt: skip
    assume(min(one.data) > 0 and max(pad[:2]) < kernel[0] and max(pad[2:]) < kernel[1])
    graph = one.graph()
    after = SpaceToDepth(moved).apply(graph)
    if max(stride) > 3:
        assert after is not graph
    if after is graph:
        return
    assert problems(after) == []
    event(", ".join(node.op for _, node in after.operators()))
    if not moved and stride[0] <= 3:
        assert all(node.layout_map.keeps_order for _, node in after.operators() if node.op == MOVE)
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_int16_data_are_padded_to_whole_blocks() -> None:
    one = Convolution(kernel=(1, 6), results=(1, 4), stride=(1, 4), zero_point=0, dtype="INT16")
    graph = one.graph()
    after = SpaceToDepth().apply(graph)
    assert [node.op for _, node in after.operators()] == ["PAD", MOVE, "CONV2D"]
    assert problems(after) == []


@pytest.mark.parametrize(
    "one",
    [
        Convolution(),
        Convolution("DEPTHWISE_CONV2D", channels=2, stride=(4, 4)),
        Convolution(stride=(4, 4), dilation=(2, 2)),
        Convolution(channels=16, stride=(2, 2)),
        Convolution(channels=16, kernel=(1, 1), stride=(2, 2)),
    ],
    ids=["no stride", "channel by channel", "dilated", "as many channels as a brick has", "pixels that nothing reads"],
)
def test_others_stay(one: Convolution) -> None:
    graph = one.graph()
    assert SpaceToDepth().apply(graph) is graph


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_makes_one_operation_of_a_patch_embedding(accelerator: str) -> None:
    """And one for each position of what it was."""
    graph = Convolution(results=(4, 4), channels=3, out=8, kernel=(8, 8), stride=(8, 8)).graph()
    before, after = (
        compile_tosa(write_tosa(one), Target.parse(accelerator)) for one in (graph, SpaceToDepth().apply(graph))
    )
    assert sum(row.source_op == "Conv2D" for row in before.operators) == 16
    assert sum(row.source_op == "Conv2D" for row in after.operators) == 1


@pytest.mark.parametrize("padding", [(0, 0, 3, 2), (0, 0, 5, 6), (0, 0, 0, 4)])
@pytest.mark.parametrize("op", ["CONV2D", "DEPTHWISE_CONV2D"])
def test_a_pad_in_front_is_of_whole_blocks(op: str, padding: tuple[int, int, int, int]) -> None:
    one = Convolution(op, results=(1, 16), kernel=(1, 12), stride=(1, 4))
    graph = padded(one, padding, value=one.zero_point)
    after = SpaceToDepth().apply(graph)
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)
    (conv,) = (node for _, node in after.operators() if node.op == "CONV2D")
    assert conv.attributes["pad"][2] == -(-padding[2] // 4)
    compile_tosa(write_tosa(after), Target.parse("ethos-u55-128"))


def test_a_pad_with_another_value_stays() -> None:
    graph = padded(Convolution(results=(1, 16), kernel=(1, 12), stride=(1, 4)), (0, 0, 4, 4), value=0)
    after = SpaceToDepth().apply(graph)
    assert [node.op for _, node in after.operators()] == ["PAD", MOVE, "CONV2D"]
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


class TestSpaceToDepth(PassContract):
    a_pass = SpaceToDepth()
    operators = STRIDED


class TestSpaceToDepthTransposeRows(PassContract):
    a_pass = SpaceToDepth(transpose_rows=True)
    operators = STRIDED
