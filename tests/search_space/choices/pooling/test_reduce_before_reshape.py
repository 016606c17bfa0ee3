"""Columns are reduced before they become channels, which Vela would store beyond their memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.random.sums import COLUMNS
from support.values.executed import is_right

from benchmarks.correctness.miscompilations.padding.brick_padding import MISCOMPILATION as BRICK_PADDING
from search_space.choices.pooling.reduce_before_reshape import ReduceBeforeReshape
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.recipe.seed_recipes import SEED_RECIPES
from velatune.testing import PassContract
from velatune.testing.program import Program

ACCELERATORS = ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"]


def largest(p: Program, value: int) -> Graph:
    """The largest of each row of a value whose rows are its last axis."""
    return p.graph(
        p.op("REDUCE_MAX", (value,), (*p.shape(value)[:-1], 1), axis=len(p.shape(value)) - 1, nan_mode="PROPAGATE")
    )


def sums() -> Graph:
    """`x.sum(-1).amax(-1)`"""
    return BRICK_PADDING.programs["columns that are reduced as channels"]


def one_channel() -> Graph:
    """`conv(x).squeeze(1).amax(-1)`: the reshape to channels first is one of its own."""
    p = Program()
    image = p.conv(p.input(1, 5, 7, 4), 1, (3, 3))
    return largest(p, p.reshape(p.reshape(image, 1, 1, 5, 7), 5, 7))


def looked_up() -> Graph:
    """`sigmoid(conv(x).squeeze(1)).amax(-1)`"""
    p = Program()
    image = p.reshape(p.conv(p.input(1, 5, 7, 4), 1, (3, 3)), 1, 5, 7)
    return largest(p, p.table(image))


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("program", [sums, one_channel, looked_up])
def test_the_stream_gets_right(program: Callable[[], Graph], accelerator: str) -> None:
    graph = program()
    assert not is_right(graph, accelerator)  # else Vela was mended, and the pass has no use any more
    reduced = verify(ReduceBeforeReshape().apply(graph))
    assert is_right(reduced, accelerator)
    assert ReduceBeforeReshape().apply(reduced) is reduced


def minimum() -> Graph:
    p = Program()
    columns = p.reshape(p.conv(p.input(1, 5, 7, 4), 1), 5, 7)
    return p.graph(p.op("REDUCE_MIN", (columns,), (5, 1), axis=1, nan_mode="PROPAGATE"))


def two_channels() -> Graph:
    p = Program()
    return largest(p, p.reshape(p.conv(p.input(1, 5, 7, 4), 2), 5, 14))


def rows() -> Graph:
    p = Program()
    columns = p.reshape(p.conv(p.input(1, 5, 7, 4), 1), 5, 7)
    return p.graph(p.op("REDUCE_MAX", (columns,), (1, 7), axis=0, nan_mode="PROPAGATE"))


@pytest.mark.parametrize("program", [minimum, two_channels, rows])
def test_what_is_right_on_ethos_u55_stays(program: Callable[[], Graph]) -> None:
    graph = program()
    assert ReduceBeforeReshape().apply(graph) is graph
    assert is_right(graph, "ethos-u55-128")


def test_every_search_starts_with_it() -> None:
    assert all(ReduceBeforeReshape.name in start.split(",") for start in SEED_RECIPES)


class TestReduceBeforeReshape(PassContract):
    a_pass = ReduceBeforeReshape()
    operators = COLUMNS
