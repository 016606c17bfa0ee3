"""Batches of matrix products against one product for each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.attention import HEADS

from search_space.choices.matmul.split_batch_matmul import SplitBatchMatmul
from search_space.ir.graph import INPUT, MOVE, Graph, Node, Step, TensorType, constant, move
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def attended(
    tokens: int, heads: int, each: int, zero_points: tuple[int, int], joined: bool, projected: bool = False
) -> Graph:
    """Q and K of [1,1,tokens,heads*each], their heads moved apart; Q K^T, RESCALE; the heads side by side again.

    projected: Q is the result of a convolution.
    """
    wide = TensorType((1, 1, tokens, heads * each), "INT8")
    apart = (Step("reshape", (tokens, heads, each)), Step("transpose", (1, 0, 2)))
    turned = (Step("reshape", (tokens, heads, each)), Step("transpose", (1, 2, 0)))
    scores = (heads, tokens, tokens)
    nodes = {
        0: Node(INPUT, (), wide),
        1: Node(INPUT, (), wide),
        2: move(0, wide, apart),
        3: move(1, wide, turned),
        4: constant(np.array(zero_points[:1], np.int8)),
        5: constant(np.array(zero_points[1:], np.int8)),
        6: Node("MATMUL", (2, 3, 4, 5), TensorType(scores, "INT32")),
        7: constant(np.array([1 << 30], np.int32)),
        8: constant(np.array([38], np.int8)),
        9: constant(np.array([0], np.int32)),
        10: constant(np.array([-7], np.int8)),
        11: Node(
            "RESCALE", (6, 7, 8, 9, 10), TensorType(scores, "INT8"),
            {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    if projected:
        convolution = {
            "pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": "INT32",
        }  # fmt: skip
        weights = np.random.default_rng(0).integers(-127, 128, (heads * each, 1, 1, heads * each), np.int8)
        nodes |= {
            20: constant(weights),
            21: Node("CONV2D", (0, 20, 9, 4, 22), TensorType(wide.shape, "INT32"), convolution),
            22: constant(np.zeros(1, np.int8)),
            23: Node("RESCALE", (21, 7, 8, 9, 10), wide, nodes[11].attributes),
            2: move(23, wide, apart),
        }
    if joined:
        steps = (Step("transpose", (1, 0, 2)), Step("reshape", (1, 1, tokens, heads * tokens)))
        nodes[12] = move(11, nodes[11].type, steps)
    return Graph(nodes, (0, 1), (12 if joined else 11,), 24)


@settings(max_examples=40)
@given(
    tokens=st.integers(1, 6), heads=st.integers(2, 4), each=st.integers(1, 4), joined=st.booleans(),
    zero_points=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
)  # fmt: skip
def test_each_head_has_a_product(
    tokens: int, heads: int, each: int, joined: bool, zero_points: tuple[int, int]
) -> None:
    graph = attended(tokens, heads, each, zero_points, joined)
    after = SplitBatchMatmul().apply(graph)
    assert [node.op for _, node in after.operators()].count("MATMUL") == heads
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_heads_of_a_projection_are_computed_apart() -> None:
    graph = attended(5, 3, 2, (1, 2), joined=True, projected=True)
    after = SplitBatchMatmul().apply(graph)
    ops = [node.op for _, node in after.operators()]
    assert ops.count("CONV2D") == 3
    assert ops.count("SLICE") == 3  # of K
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_heads_are_no_longer_moved_apart_and_together() -> None:
    after = SplitBatchMatmul().apply(attended(5, 3, 4, (1, 2), joined=True))
    moves = [node.layout_map for _, node in after.operators() if node.op == MOVE]
    assert [one for one in moves if not one.keeps_order and max(one.atoms, default=1) > 5] == []
    assert [node.type.shape for _, node in after.operators() if node.op == "CONCAT"] == [(1, 1, 5, 15)]


@pytest.mark.parametrize("joined", [False, True])
def test_vela_takes_it(joined: bool) -> None:
    graph = attended(33, 3, 20, (1, 2), joined)
    assert compile_tosa(write_tosa(SplitBatchMatmul().apply(graph)), Target.parse("ethos-u85-256")).npu_ops


def test_a_single_product_stays() -> None:
    graph = attended(4, 1, 4, (0, 0), joined=False)
    assert SplitBatchMatmul().apply(graph) is graph


class TestSplitBatchMatmul(PassContract):
    a_pass = SplitBatchMatmul()
    operators = HEADS
