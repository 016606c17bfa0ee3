"""Largest and smallest channels, found by halves."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.sums import MAXIMA

from search_space.choices.pooling.tree_reduce_max import TreeReduceMax
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


def largest(shape: Shape, op: str = "REDUCE_MAX", axis: int = -1, dtype: str = "INT8") -> Graph:
    p = Program()
    axis %= len(shape)
    result = (*shape[:axis], 1, *shape[axis + 1 :])
    return p.graph(p.op(op, (p.input(*shape, dtype=dtype),), result, axis=axis, nan_mode="PROPAGATE"))


@settings(max_examples=60)
@given(
    shape=st.lists(st.integers(1, 4), max_size=3),
    channels=st.integers(2, 70),
    op=st.sampled_from(["REDUCE_MAX", "REDUCE_MIN"]),
)
def test_it_gives_the_same(shape: list[int], channels: int, op: str) -> None:
    before = largest((*shape, channels), op)
    after = TreeReduceMax().apply(before)
    pairs = [node.op for _, node in after.operators()].count(op.removeprefix("REDUCE_") + "IMUM")
    assert pairs == (channels - 1).bit_length()
    assert problems(after) == []
    for arrays in input_sets(before):
        assert outputs(after, arrays) == outputs(before, arrays)


@pytest.mark.parametrize(
    "graph",
    [largest((4, 5, 6), axis=1), largest((4, 6), dtype="INT16"), largest((4, 1)), largest((70_000, 2))],
    ids=["rows", "int16", "one channel", "too many rows"],
)
def test_others_stay(graph: Graph) -> None:
    assert TreeReduceMax().apply(graph) is graph


@pytest.mark.parametrize("target", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_does_each_level_as_one_operation(target: str, tmp_path: Path) -> None:
    pricing = Pricing(Target.parse(target), Memo(tmp_path), toolchain_versions())
    after = TreeReduceMax().apply(largest((3, 65, 65)))
    assert [row.source_op for row in pricing.cost([after], 0).rows] == ["Maximum"] * 7


class TestTreeReduceMax(PassContract):
    a_pass = TreeReduceMax()
    operators = MAXIMA
