"""Convolutions of single pixels against the same on a row of pixels, and on pairs of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution

from search_space.choices.convolution.pixels.block_diagonal_conv import BlockDiagonalConv
from search_space.choices.convolution.pixels.flatten_pixels import FlattenPixels
from search_space.ir.graph import MOVE, Graph, Node, TensorType, constant
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.tosa_file.writer import write_tosa
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def linear(one: Convolution, per_channel: bool = True) -> Graph:
    """The convolution with a RESCALE, for each channel or for all."""
    graph = one.graph()
    out = graph[5].type.shape[3]
    random = np.random.default_rng(1)
    count = out if per_channel else 1
    result = "INT8" if one.dtype == "INT8" else "INT16"
    nodes = {
        **graph.nodes,
        6: constant(random.integers(1 << 30, (1 << 31) - 1, count).astype(np.int32)),
        7: constant(random.integers(34, 40, count).astype(np.int8)),
        8: constant(np.zeros(1, np.int32)),
        9: constant(np.array([5], np.int8)),
        10: Node(
            "RESCALE", (5, 6, 7, 8, 9), TensorType(graph[5].type.shape, result),
            {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": per_channel, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    return Graph(nodes, (0,), (10,), 11)


@settings(max_examples=60)
@given(
    one=st.sampled_from([FlattenPixels(), BlockDiagonalConv()]),
    results=st.sampled_from([(1, 1), (6, 1), (2, 3)]),
    batch=st.integers(2, 6),
    channels=st.integers(17, 20),
    out=st.integers(2, 4),
    weight_zero_point=st.sampled_from([0, 9]),
    per_channel=st.booleans(),
    rescaled=st.booleans(),
)
def test_other_rows_of_pixels_give_the_same(
    one: Pass, results: tuple[int, int], batch: int, channels: int, out: int, weight_zero_point: int,
    per_channel: bool, rescaled: bool
) -> None:  # fmt: skip
    layer = Convolution(
        results=results, channels=channels, out=out, kernel=(1, 1), batch=batch, weight_zero_point=weight_zero_point
    )
    graph = linear(layer, per_channel) if rescaled else layer.graph()
    after = one.apply(graph)
    pairs = batch * results[0] * results[1] % 2 == 0
    assert (after is not graph) == (one == FlattenPixels() or pairs)
    assert problems(after) == []
    assert all(node.layout_map.keeps_order for _, node in after.operators() if node.op == MOVE)
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize("one", [FlattenPixels(), BlockDiagonalConv()], ids=str)
@pytest.mark.parametrize(
    "layer",
    [
        Convolution(kernel=(1, 1), results=(3, 3)),
        Convolution(kernel=(1, 3), batch=2),
        Convolution(kernel=(1, 1), stride=(2, 2), batch=2),
        Convolution(kernel=(1, 1), batch=2, dtype="INT16", zero_point=0),
    ],
    ids=["an image of an odd number of pixels", "3 pixels", "with a stride", "48 bits without RESCALE"],
)
def test_others_stay(one: Pass, layer: Convolution) -> None:
    graph = layer.graph()
    assert one.apply(graph) is graph


@pytest.mark.parametrize("channels", [16, 33])
def test_other_channels_are_not_grouped(channels: int) -> None:
    graph = Convolution(kernel=(1, 1), results=(4, 4), channels=channels).graph()
    assert BlockDiagonalConv().apply(graph) is graph


def test_pairs_of_32_channels_take_fewer_cycles_on_ethos_u85() -> None:
    target = Target.parse("ethos-u85-256")
    graph = linear(Convolution(kernel=(1, 1), results=(24, 24), channels=32, out=32))
    before, after = (compile_tosa(write_tosa(one), target) for one in (graph, BlockDiagonalConv().apply(graph)))
    assert after.vela_cycles < before.vela_cycles
