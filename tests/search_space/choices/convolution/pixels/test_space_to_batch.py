"""Dilated convolutions against the same without dilation on a grid."""

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution
from support.random.convolution.convolutions import DILATED

from search_space.choices.convolution.pixels.space_to_batch import SpaceToBatch
from search_space.ir.graph import MOVE
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


@settings(max_examples=120)
@given(
    op=st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D"]),
    results=st.integers(1, 12),
    columns=st.integers(1, 3),
    kernel=st.integers(2, 4),
    dilation=st.integers(3, 5),
    pad=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    along_h=st.booleans(),
    batch=st.integers(1, 2),
    zero_point=st.integers(-128, 127),
)
def test_columns_of_a_grid_give_the_same(
    op: str, results: int, columns: int, kernel: int, dilation: int, pad: tuple[int, int], along_h: bool, batch: int,
    zero_point: int
) -> None:  # fmt: skip
    if along_h:
        one = Convolution(op, (results, columns), 2, 2, (kernel, 1), (1, 1), (*pad, 0, 0), (dilation, 2), batch)
    else:
        one = Convolution(op, (1, results), 2, 2, (1, kernel), (1, 1), (0, 0, *pad), (1, dilation), batch, zero_point)
    assume(min(one.data) > 0 and max(pad) < (kernel - 1) * dilation + 1)
    graph = one.graph()
    after = SpaceToBatch().apply(graph)
    assert after is not graph
    event(", ".join(node.op for _, node in after.operators()))
    assert problems(after) == []
    assert all(node.layout_map.keeps_order for _, node in after.operators() if node.op == MOVE)
    assert all(node.attributes["dilation"] == (1, 1) for _, node in after.operators() if node.op == op)
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "same"])
def test_a_row_of_whole_columns_is_only_reshaped(causal: bool) -> None:
    pad = (0, 0, 8, 0) if causal else (0, 0, 4, 4)
    graph = Convolution(results=(1, 16), kernel=(1, 3), pad=pad, dilation=(1, 4)).graph()
    assert [node.op for _, node in SpaceToBatch().apply(graph).operators()] == [MOVE, "CONV2D", MOVE]


@pytest.mark.parametrize(
    "one",
    [
        Convolution(),
        Convolution(kernel=(1, 3), results=(1, 4), dilation=(1, 2)),
        Convolution(kernel=(1, 1), dilation=(4, 4)),
        Convolution(kernel=(1, 3), results=(1, 4), dilation=(1, 3), stride=(1, 2)),
        Convolution(dilation=(3, 3)),
        Convolution(kernel=(1, 3), dilation=(1, 3)),
        Convolution(kernel=(3, 1), dilation=(3, 1), dtype="INT16", zero_point=0),
    ],
    ids=[
        "dense", "as the NPU does it", "nothing apart", "with a stride", "in two dimensions", "in each of several rows",
        "48 bits without RESCALE",
    ],
)  # fmt: skip
def test_others_stay(one: Convolution) -> None:
    graph = one.graph()
    assert SpaceToBatch().apply(graph) is graph


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_makes_one_operation_of_it(accelerator: str) -> None:
    """And one for each column of what it was."""
    one = Convolution(results=(1, 64), channels=8, out=8, kernel=(1, 3), pad=(0, 0, 8, 8), dilation=(1, 8))
    before, after = (
        compile_tosa(write_tosa(graph), Target.parse(accelerator))
        for graph in (one.graph(), SpaceToBatch().apply(one.graph()))
    )
    assert sum(row.source_op == "Conv2D" for row in before.operators) == 8
    assert sum(row.source_op == "Conv2D" for row in after.operators) == 1


class TestSpaceToBatch(PassContract):
    a_pass = SpaceToBatch()
    operators = DILATED
