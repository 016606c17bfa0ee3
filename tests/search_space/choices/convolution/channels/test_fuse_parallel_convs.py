"""Convolutions that are joined along their channels against one convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.attention import BRANCHES

from search_space.choices.convolution.channels.fuse_parallel_convs import FuseParallelConvs
from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs

Branch = tuple[int, int, bool]


def joined(branches: list[Branch], zero_point: int = 0, read: int | None = None) -> Graph:
    """Convolutions of one value with kernels of (size, channels), their RESCALEs (per channel or not), and a CONCAT.

    read: a branch that is a result of the program too.
    """
    random = np.random.default_rng(len(branches))
    nodes = {
        0: Node(INPUT, (), TensorType((1, 4, 4, 3), "INT8")),
        1: constant(np.array([zero_point], np.int8)),
        2: constant(np.array([0], np.int8)),
        3: constant(np.array([0], np.int32)),
    }
    results = []
    for size, channels, per_channel in branches:
        first, count = len(nodes), channels if per_channel else 1
        shape = (1, 4, 4, channels)
        nodes |= {
            first: constant(random.integers(-127, 128, (channels, size, size, 3), np.int8)),
            first + 1: constant(random.integers(-1000, 1000, count, np.int32)),
            first + 2: Node(
                "CONV2D", (0, first, first + 1, 1, 2), TensorType(shape, "INT32"),
                {"pad": (size // 2,) * 4, "stride": (1, 1), "dilation": (1, 1), "local_bound": False,
                 "acc_type": "INT32"},
            ),
            first + 3: constant(random.integers(1 << 30, (1 << 31) - 1, count, np.int32)),
            first + 4: constant(random.integers(38, 40, count).astype(np.int8)),
            first + 5: Node(
                "RESCALE", (first + 2, first + 3, first + 4, 3, 2), TensorType(shape, "INT8"),
                {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": per_channel, "input_unsigned": False,
                 "output_unsigned": False},
            ),
        }  # fmt: skip
        results.append(first + 5)
    last = len(nodes)
    whole = TensorType((1, 4, 4, sum(channels for _, channels, _ in branches)), "INT8")
    nodes[last] = Node("CONCAT", tuple(results), whole, {"axis": 3})
    return Graph(nodes, (0,), (last,) if read is None else (last, results[read]), len(nodes))


@settings(max_examples=30)
@given(
    size=st.sampled_from([1, 3]), zero_point=st.integers(-128, 127),
    branches=st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=2, max_size=4),
)  # fmt: skip
def test_they_are_one(size: int, branches: list[tuple[int, bool]], zero_point: int) -> None:
    graph = joined([(size, *one) for one in branches], zero_point)
    after = FuseParallelConvs().apply(graph)
    assert [node.op for _, node in after.operators()] == ["CONV2D", "RESCALE"]
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_neighbours_of_one_kernel_are_one_each() -> None:
    graph = joined([(1, 2, True), (1, 3, False), (3, 1, True), (3, 2, True), (1, 1, True)])
    after = FuseParallelConvs().apply(graph)
    assert sorted(node.type.shape[3] for _, node in after.operators() if node.op == "CONV2D") == [1, 3, 5]
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(
    "graph",
    [joined([(1, 2, True), (3, 2, True)]), joined([(1, 2, True), (1, 2, True)], read=0)],
    ids=["other kernels", "read alone"],
)
def test_others_stay(graph: Graph) -> None:
    assert FuseParallelConvs().apply(graph) is graph


class TestFuseParallelConvs(PassContract):
    a_pass = FuseParallelConvs()
    operators = BRANCHES
