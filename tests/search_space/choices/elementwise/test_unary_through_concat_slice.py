"""The same function above and below joints of values."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.random.elementwise.functions import FUNCTIONS_OF_JOINED, JOINED_FUNCTIONS

from search_space.choices.elementwise.unary_through_concat_slice import UnaryThroughConcatSlice
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import input_sets, outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing

SHAPE, HALF = (1, 8, 8, 16), (1, 8, 8, 8)
Function = Callable[[int], int]


def convs(p: Program) -> tuple[int, int]:
    x = p.input(*SHAPE)
    return p.conv(x, 16), p.conv(x, 16)


def of_a_concat(p: Program, function: Function) -> int:
    return function(p.concat(3, *convs(p)))


def with_a_constant(p: Program, function: Function) -> int:
    return function(p.concat(3, convs(p)[0], p.data(np.arange(1024).reshape(SHAPE) % 256 - 128, "INT8")))


def of_slices(p: Program, function: Function) -> int:
    x = convs(p)[0]
    halves = [p.slice(x, (0, 0, 0, start), HALF) for start in (0, 8)]
    return p.add(function(halves[0]), function(halves[1]))


def table(p: Program) -> Function:
    values = p.random.integers(-128, 128, 256)
    return lambda x: p.op("TABLE", (x, p.data(values, "INT8")), p.shape(x))


def clamp(p: Program) -> Function:
    return lambda x: p.clamp(x, -7, 90)


def made(program: Callable[[Program, Function], int], function: Callable[[Program], Function]) -> Graph:
    p = Program()
    return p.graph(program(p, function(p)))


@pytest.mark.parametrize("function", [table, clamp])
@pytest.mark.parametrize("program", [of_a_concat, with_a_constant, of_slices])
def test_up_it_is_done_with_the_convolutions(
    program: Callable[[Program, Function], int], function: Callable[[Program], Function], tmp_path: Path
) -> None:
    before = made(program, function)
    after = UnaryThroughConcatSlice(up=True).apply(before)
    assert problems(after) == []
    for arrays in input_sets(before):
        assert outputs(after, arrays) == outputs(before, arrays)
    pricing = Pricing(Target.parse("ethos-u85-256"), Memo(tmp_path), toolchain_versions())
    old, new = (pricing.cost([graph], 0) for graph in (before, after))
    assert new.stream_cycles < old.stream_cycles
    down = UnaryThroughConcatSlice().apply(after)
    if program is of_a_concat:
        assert down.hash == before.hash
    for arrays in input_sets(before):
        assert outputs(down, arrays) == outputs(before, arrays)


def test_other_functions_of_slices_stay() -> None:
    p = Program()
    x = convs(p)[0]
    halves = [p.slice(x, (0, 0, 0, start), HALF) for start in (0, 8)]
    graph = p.graph(p.add(p.clamp(halves[0], -7, 90), p.clamp(halves[1], -7, 91)))
    assert UnaryThroughConcatSlice(up=True).apply(graph) is graph


def test_other_functions_of_operands_stay() -> None:
    p = Program()
    first, second = convs(p)
    graph = p.graph(p.concat(3, p.table(first), p.table(second)))
    assert UnaryThroughConcatSlice().apply(graph) is graph


def test_a_concat_that_is_a_result_stays() -> None:
    p = Program()
    joined = p.concat(3, *convs(p))
    graph = p.graph(p.table(joined), joined)
    assert UnaryThroughConcatSlice(up=True).apply(graph) is graph


class TestUnaryThroughConcatSlice(PassContract):
    a_pass = UnaryThroughConcatSlice()
    operators = JOINED_FUNCTIONS


class TestUnaryThroughConcatSliceUp(PassContract):
    a_pass = UnaryThroughConcatSlice(up=True)
    operators = FUNCTIONS_OF_JOINED
