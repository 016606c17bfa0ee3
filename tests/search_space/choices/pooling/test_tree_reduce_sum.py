"""Sums over pixels against sums by halves."""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.programs.sum_programs import summed
from support.random.sums import SUMS

from search_space.choices.pooling.sum_as_depthwise import SumAsDepthwise
from search_space.choices.pooling.tree_reduce_sum import TreeReduceSum
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import input_sets, outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 70), st.integers(1, 70), st.integers(1, 3)),
    axes=st.sampled_from([[1], [2], [1, 2], [2, 1]]),
    zero_point=st.sampled_from([-128, 0, 7, 127]),
    convolved=st.booleans(),
)
def test_it_gives_the_same_sums(shape: Shape, axes: list[int], zero_point: int, convolved: bool) -> None:
    assume(any(shape[axis] > 1 for axis in axes))
    graph = summed(shape, axes, zero_point)
    before = SumAsDepthwise().apply(graph) if convolved else graph
    after = TreeReduceSum().apply(before)
    left = [node for _, node in after.operators() if node.op == "REDUCE_SUM"]
    assert all(after[node.inputs[0]].type == node.type for node in left)
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


def of_input(dtype: str, axis: int = 1) -> Graph:
    p = Program()
    return p.graph(p.op("REDUCE_SUM", (p.input(1, 4, 4, 3, dtype=dtype),), (1, 1, 4, 3), dtype, axis=axis))


@pytest.mark.parametrize(
    "graph",
    [summed((1, 4, 4, 3), [3], 5), summed((4, 4, 3), [1], 5), summed((1, 4, 4, 3), [1], 5, 1 << 29), of_input("INT32")],
    ids=["channels", "rank 3", "scaled", "values of any size"],
)
def test_other_sums_stay(graph: Graph) -> None:
    assert TreeReduceSum().apply(graph) is graph


def test_a_sum_that_may_not_fit_int32_stays() -> None:
    graph = summed((1, 1 << 12, 1 << 12, 1), [1, 2], -128)
    first, second = TreeReduceSum().sites(graph), TreeReduceSum().sites(summed((1, 1 << 12, 1 << 11, 1), [1, 2], -128))
    assert len(first) == 1 and len(second) == 2


def test_vela_transposes_no_more(tmp_path: Path) -> None:
    pricing = Pricing(Target.parse("ethos-u55-128"), Memo(tmp_path), toolchain_versions())
    before = SumAsDepthwise().apply(summed((1, 14, 14, 256), [1, 2], 5))
    old, new = (pricing.cost([graph], 0) for graph in (before, TreeReduceSum().apply(before)))
    assert (old.transposes, new.transposes) == (1, 0)
    assert new.stream_cycles < old.stream_cycles


class TestTreeReduceSum(PassContract):
    a_pass = TreeReduceSum()
    operators = SUMS
