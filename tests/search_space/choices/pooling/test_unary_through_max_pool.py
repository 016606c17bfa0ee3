"""Functions in front of a MAX_POOL2D, and behind it."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.elementwise.prelus import prelu
from support.random.pools import POOLED

from search_space.choices.pooling.unary_through_max_pool import UnaryThroughMaxPool
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import input_sets, outputs


def pooled(function: Callable[[Program, int], int], channels: int = 3, pad: int = 0) -> Graph:
    p = Program()
    value = function(p, p.input(1, 16, 16, channels))
    sizes = (1, 8 + pad, 8 + pad, channels)
    attributes = {"kernel": (2, 2), "stride": (2, 2), "pad": (pad, pad) * 2, "nan_mode": "PROPAGATE"}
    return p.graph(p.op("MAX_POOL2D", (value,), sizes, **attributes))


def assert_same(before: Graph, after: Graph) -> None:
    assert problems(after) == []
    for arrays in input_sets(before):
        assert outputs(after, arrays) == outputs(before, arrays)


@settings(max_examples=40)
@given(
    slopes=st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=4), zero=st.integers(-128, 127), pad=st.integers(0, 1)
)
def test_a_prelu_that_never_falls_is_computed_behind(slopes: list[float], zero: int, pad: int) -> None:
    before = pooled(lambda p, x: prelu(p, x, np.array(slopes), zero), len(slopes), pad)
    after = UnaryThroughMaxPool().apply(before)
    if min(slopes) >= 0.05:
        assert after is not before
    if after is not before:
        assert after[after.outputs[0]].op == "RESCALE"
    assert_same(before, after)


def rising_table(p: Program, x: int) -> int:
    return p.op("TABLE", (x, p.data(np.sort(p.random.integers(-128, 128, 256)), "INT8")), p.shape(x))


def test_a_rising_table_is_looked_up_behind() -> None:
    before = pooled(rising_table)
    after = UnaryThroughMaxPool().apply(before)
    assert [node.op for _, node in after.operators()] == ["MAX_POOL2D", "TABLE"]
    assert_same(before, after)


def test_what_falls_stays_and_what_is_behind_it_does_not() -> None:
    before = pooled(lambda p, x: rising_table(p, p.table(x)))
    after = UnaryThroughMaxPool().apply(before)
    assert [node.op for _, node in after.operators()] == ["TABLE", "MAX_POOL2D", "TABLE"]
    assert_same(before, after)


@pytest.mark.parametrize(
    "graph",
    [pooled(Program.table), pooled(lambda p, x: p.clamp(x, -7, 90)), pooled(lambda p, x: p.conv(x, 3))],
    ids=["falls", "limits", "no function"],
)
def test_others_stay(graph: Graph) -> None:
    assert UnaryThroughMaxPool().apply(graph) is graph


def test_a_function_that_others_read_stays() -> None:
    p = Program()
    value = rising_table(p, p.input(1, 8, 8, 4))
    graph = p.graph(p.max_pool(value, 2), value)
    assert UnaryThroughMaxPool().apply(graph) is graph


class TestUnaryThroughMaxPool(PassContract):
    a_pass = UnaryThroughMaxPool()
    operators = POOLED
