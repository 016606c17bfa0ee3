"""TABLE and CLAMP that nothing carries, and those that something does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.random.elementwise.functions import TABLES

from search_space.choices.elementwise.identity_max_before_table import IdentityMaxBeforeTable
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import input_sets, outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing

SHAPE = (1, 8, 8, 16)


def of_an_input(p: Program) -> int:
    return p.input(*SHAPE)


def of_a_product(p: Program) -> int:
    return p.matmul(p.input(3, 8, 16), p.input(3, 16, 8))


def of_a_slice(p: Program) -> int:
    return p.slice(p.conv(of_an_input(p), 32), (0, 0, 0, 0), SHAPE)


def of_a_conv(p: Program) -> int:
    return p.conv(of_an_input(p), 16)


def of_a_reshaped_sum(p: Program) -> int:
    return p.reshape(p.add(of_an_input(p), of_an_input(p)), 1, 64, 16)


def of_a_pool(p: Program) -> int:
    return p.max_pool(of_an_input(p), 2)


def with_function(value: Callable[[Program], int], function: Callable[[Program, int], int]) -> Graph:
    p = Program()
    return p.graph(function(p, value(p)))


@pytest.mark.parametrize("function", [Program.table, Program.clamp], ids=["table", "clamp"])
@pytest.mark.parametrize("value", [of_an_input, of_a_product, of_a_slice])
def test_what_nothing_carries_reads_the_larger_of_two(
    value: Callable[[Program], int], function: Callable[[Program, int], int], tmp_path: Path
) -> None:
    before = with_function(value, function)
    after = IdentityMaxBeforeTable().apply(before)
    assert problems(after) == []
    for arrays in input_sets(before):
        assert outputs(after, arrays) == outputs(before, arrays)
    pricing = Pricing(Target.parse("ethos-u85-256"), Memo(tmp_path), toolchain_versions())
    old, new = (pricing.cost([graph], 0) for graph in (before, after))
    assert new.stream_cycles < old.stream_cycles
    assert new.vela_cycles < old.vela_cycles


@pytest.mark.parametrize("value", [of_a_conv, of_a_reshaped_sum, of_a_pool])
def test_what_is_carried_stays(value: Callable[[Program], int]) -> None:
    graph = with_function(value, Program.table)
    assert IdentityMaxBeforeTable().apply(graph) is graph


def test_what_others_read_is_not_carried() -> None:
    p = Program()
    value = of_a_conv(p)
    graph = p.graph(p.table(value), p.conv(value, 16))
    assert "MAXIMUM" in {node.op for _, node in IdentityMaxBeforeTable().apply(graph).operators()}


class TestIdentityMaxBeforeTable(PassContract):
    a_pass = IdentityMaxBeforeTable()
    operators = TABLES
