"""Sums over height and width, as ExecuTorch lowers a mean, against the same as a convolution."""

from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.programs.sum_programs import summed
from support.random.sums import SUMS

from search_space.choices.pooling.sum_as_depthwise import SumAsDepthwise
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing

#: Rows, or columns, that a kernel has not: composite, prime and 2 or 3 times a prime; few and many for it.
MANY_ROWS = st.one_of(st.integers(65, 300), st.sampled_from([64 * 8, 521, 522, 640, 1018, 1021, 1200]))
MANY_COLUMNS = st.one_of(st.integers(4097, 5000), st.sampled_from([4099, 8192, 9998, 10007, 16000]))


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
    axes=st.sampled_from([[1], [2], [1, 2], [2, 1], [1, 1]]),
    zero_point=st.integers(-128, 127),
    whole=st.booleans(),
)
def test_it_gives_the_same_sums(shape: Shape, axes: list[int], zero_point: int, whole: bool) -> None:
    graph = summed(shape, axes, zero_point)
    after = SumAsDepthwise(whole).apply(graph)
    rest = [] if whole else ["REDUCE_SUM"] * (len(axes) - 1)
    assert [node.op for _, node in after.operators()] == ["DEPTHWISE_CONV2D", *rest]
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def assert_kernels_fit(graph: Graph) -> None:
    """As Vela takes them as one operation, of Ethos-U55."""
    for _, node in graph.operators():
        if node.op == "DEPTHWISE_CONV2D":
            height, width = graph[node.inputs[1]].type.shape[:2]
            assert height <= 64 and height * width <= 64 * 64
            assert max(node.attributes["stride"]) <= 3


@settings(max_examples=80)
@given(
    shape=st.one_of(
        st.tuples(st.integers(1, 2), MANY_ROWS, st.integers(1, 70), st.integers(1, 2)),
        st.tuples(st.integers(1, 2), st.integers(1, 3), MANY_COLUMNS, st.integers(1, 2)),
        st.tuples(st.integers(1, 2), st.sampled_from([1, 60, 61, 64]), st.integers(65, 150), st.integers(1, 2)),
    ),
    axes=st.sampled_from([[1], [2], [1, 2], [2, 1]]),
    zero_point=st.sampled_from([-128, 0, 7, 127]),
    whole=st.booleans(),
)
def test_sums_of_more_than_a_kernel_has_are_the_same(
    shape: Shape, axes: list[int], zero_point: int, whole: bool
) -> None:
    graph = summed(shape, axes, zero_point)
    after = SumAsDepthwise(whole).apply(graph)
    kinds = [node.op for _, node in after.operators()]
    event(" ".join(dict.fromkeys(kinds)))
    assert "RESCALE" not in kinds
    assert problems(after) == []
    assert_kernels_fit(after)
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("rows", [256, 257])
def test_vela_transposes_little_for_many_rows(rows: int, whole: bool, accelerator: str, tmp_path: Path) -> None:
    pricing = Pricing(Target.parse(accelerator), Memo(tmp_path), toolchain_versions())
    graph = summed((1, rows, 100, 8), [1, 2], 5)
    before, after = (pricing.cost([one], 0) for one in (graph, SumAsDepthwise(whole).apply(graph)))
    assert after.transpose_cycles < before.transpose_cycles / 10
    assert after.stream_cycles < before.stream_cycles / 2


def test_a_sum_that_may_not_fit_int32_stays() -> None:
    graph = summed((1, 2901, 2903, 1), [1, 2], -128)
    assert SumAsDepthwise(both_axes=True).apply(graph) is graph


@pytest.mark.parametrize(
    "graph",
    [
        summed((1, 4, 4, 3), [3], 5),
        summed((1, 4, 4, 3), [1], 5, multiplier=1 << 29),
        summed((4, 4, 3), [1], 5),
        summed((1, 4, 4, 3), [1], 0, dtype="INT16"),
    ],
    ids=["channels", "scaled", "rank 3", "int16"],
)
def test_other_sums_stay(graph: Graph) -> None:
    assert SumAsDepthwise().apply(graph) is graph


def test_of_a_sum_that_others_read_only_the_rest_is_a_convolution() -> None:
    graph = summed((1, 4, 4, 3), [1, 2], 5)
    both = Graph(graph.nodes, graph.inputs, (6, 7), graph.next_id)
    after = SumAsDepthwise(both_axes=True).apply(both)
    assert [node.op for _, node in after.operators()] == ["DEPTHWISE_CONV2D", "REDUCE_SUM"]
    for arrays in input_sets(both):
        assert outputs(after, arrays) == outputs(both, arrays)


class TestSumAsDepthwise(PassContract):
    a_pass = SumAsDepthwise()
    operators = SUMS


class TestSumAsDepthwiseBothAxes(PassContract):
    a_pass = SumAsDepthwise(both_axes=True)
    operators = SUMS
