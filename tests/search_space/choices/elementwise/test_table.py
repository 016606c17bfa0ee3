"""Functions of one int8 value against the table of them, on all 256 values."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.elementwise.functions import FUNCTIONS

from search_space.choices.elementwise.table import Table
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import outputs

SHAPE = (1, 16, 16)


def assert_same(before: Graph, after: Graph) -> None:
    assert problems(after) == []
    values = np.arange(-128, 128).astype(np.int8)
    orders = values, values[::-1]
    arrays = [order.reshape(before[i].type.shape) for i, order in zip(before.inputs, orders, strict=False)]
    assert outputs(after, arrays) == outputs(before, arrays)


def operators(graph: Graph) -> list[str]:
    return [node.op for _, node in graph.operators()]


def wide(p: Program, value: int, scale: float = 1.0) -> int:
    return p.rescale(value, "INT32", scale)


def combined(p: Program, op: str, first: int, second: int, *more: int) -> int:
    return p.op(op, (first, second, *more), p.shape(first), "INT32")


@settings(max_examples=60)
@given(slope=st.integers(0, 2**12), scale=st.floats(0.001, 0.9), turned=st.sampled_from(["not", "one", "both"]))
def test_a_leaky_relu_is_a_table(slope: int, scale: float, turned: str) -> None:
    """max(x, 0) + slope * min(x, 0), and either part may be moved."""
    p = Program()
    x = p.input(*SHAPE)
    zero = p.data([[[0]]], "INT32")
    parts = []
    for op, moved, factor in (("MAXIMUM", turned == "both", 1 << 12), ("MINIMUM", turned != "not", slope)):
        source = p.transpose(x, 0, 2, 1) if moved else x
        attributes = {"nan_mode": "PROPAGATE"}
        part = p.op(op, (wide(p, source), zero), p.shape(source), "INT32", **attributes)
        parts.append(combined(p, "MUL", part, p.data([[[factor]]], "INT32"), p.data(0, "INT8")))
    before = p.graph(p.rescale(combined(p, "ADD", *parts), "INT8", scale / (1 << 12)))
    after = Table().apply(before)
    if turned == "one":
        assert after is before
    else:
        assert operators(after) in (["TABLE"], ["CLAMP"], ["TABLE", "MOVE"], ["CLAMP", "MOVE"])
        assert_same(before, after)


def square(p: Program, x: int) -> int:
    return p.rescale(combined(p, "MUL", wide(p, x), wide(p, x), p.data(0, "INT8")), "INT8", 0.01)


def limited(p: Program, x: int) -> int:
    return p.rescale(p.op("MAXIMUM", (wide(p, x), p.data([[[7]]], "INT32")), SHAPE, nan_mode="PROPAGATE"), "INT8", 1.0)


@pytest.mark.parametrize(("function", "ops"), [(square, ["TABLE"]), (limited, ["CLAMP"])])
def test_it_is_one_operator(function: Callable[[Program, int], int], ops: list[str]) -> None:
    p = Program()
    before = p.graph(function(p, p.input(*SHAPE)))
    after = Table().apply(before)
    assert operators(after) == ops
    assert_same(before, after)


def test_what_gives_back_its_operand_vanishes() -> None:
    p = Program()
    before = p.graph(p.clamp(p.rescale(wide(p, p.input(*SHAPE)), "INT8", 1.0), -5, 9))
    after = Table().apply(before)
    assert operators(after) == ["CLAMP"]
    assert_same(before, after)


def test_of_more_dimensions_than_vela_takes_it_is_computed_behind_the_move() -> None:
    p = Program()
    flat = p.reshape(p.input(1, 2, 2, 4, 16), 1, 16, 16)
    before = p.graph(square(p, flat))
    after = Table().apply(before)
    last = after[after.outputs[0]]
    assert (last.op, after[last.inputs[0]].op) == ("TABLE", "MOVE")
    assert_same(before, after)


def test_what_others_read_begins_a_table_unless_it_is_looked_past() -> None:
    p = Program()
    middle = square(p, p.input(*SHAPE))
    before = p.graph(square(p, middle), p.add(middle, p.input(*SHAPE)))
    for one, source in ((Table(), "TABLE"), (Table(past_shared=True), "INPUT")):
        after = one.apply(before)
        last = after[after.outputs[0]]
        assert last.op == "TABLE"
        assert after[last.inputs[0]].op == source
        assert_same(before, after)


def _per_channel(p: Program, x: int) -> int:
    factors = p.data(np.arange(16).reshape(1, 1, 16), "INT32")
    return p.rescale(combined(p, "MUL", wide(p, x), factors, p.data(0, "INT8")), "INT8", 0.01)


def _of_two(p: Program, x: int) -> int:
    return p.add(x, p.input(*SHAPE))


def _of_a_row(p: Program, x: int) -> int:
    return p.add(x, p.slice(x, (0, 0, 0), (1, 1, 16)))


def _int16(p: Program, x: int) -> int:
    return p.rescale(wide(p, x), "INT16", 1.0)


@pytest.mark.parametrize("function", [_per_channel, _of_two, _of_a_row, _int16, Program.table, Program.clamp])
def test_other_functions_stay(function: Callable[[Program, int], int]) -> None:
    p = Program()
    before = p.graph(function(p, p.input(*SHAPE)))
    assert Table(past_shared=True).apply(before) is before


class TestTable(PassContract):
    a_pass = Table()
    operators = FUNCTIONS


class TestTablePastShared(PassContract):
    a_pass = Table(past_shared=True)
    operators = FUNCTIONS
