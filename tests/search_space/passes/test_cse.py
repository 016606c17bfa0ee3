"""What is computed twice, where an operand of it is read by one operator alone."""

from collections.abc import Callable

import pytest
from support.random.data_movement.repeats import REPEATED_BEHIND, REPEATED_RESCALES, REPEATS

from search_space.ir.graph import Graph
from search_space.passes.cse import Cse
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import input_sets, outputs

SHAPE = (1, 8, 16)


def wide(p: Program, value: int, times: int = 1) -> int:
    for _ in range(times):
        value = p.rescale(value, "INT32", 1.0)
    return value


def product(p: Program, one: int, other: int) -> int:
    return p.op("MUL", (one, other, p.data(0, "INT8")), SHAPE, "INT32")


def results(p: Program, products: list[int]) -> Graph:
    """Sums of what is compared, so that none is a result of the program itself."""
    zero = p.data([[[0]]], "INT32")
    return p.graph(*(p.op("ADD", (one, zero), SHAPE, "INT32") for one in products))


def rows_of_a_matrix() -> Graph:
    """Three products with one matrix: the first and the last are of the same row."""
    p = Program()
    matrix, rows = wide(p, p.input(*SHAPE)), p.input(1, 3, 16)
    taken = [wide(p, p.slice(rows, (0, at, 0), (1, 1, 16))) for at in (0, 1, 0)]
    return results(p, [product(p, matrix, row) for row in taken])


def own_rescales(times: int) -> Callable[[], Graph]:
    """Two products of the same values, each of them widened for each product."""

    def made() -> Graph:
        p = Program()
        x, y = p.input(*SHAPE), p.input(*SHAPE, dtype="INT32")
        return results(p, [product(p, y, wide(p, x, times)) for _ in range(2)])

    return made


def own_rescales_of_both() -> Graph:
    p = Program()
    x, y = p.input(*SHAPE), p.input(*SHAPE)
    return results(p, [product(p, wide(p, x), wide(p, y)) for _ in range(2)])


def of_other_values() -> Graph:
    p = Program()
    x, y = p.input(*SHAPE), p.input(*SHAPE, dtype="INT32")
    ways = x, p.transpose(p.reshape(x, 1, 16, 8), 0, 2, 1)
    return results(p, [product(p, y, wide(p, one)) for one in ways])


THROUGH_RESCALES = Cse(through_rescales=True)
RESCALES = Cse(rescales=True)


@pytest.mark.parametrize(
    ("made", "one", "products"),
    [
        (rows_of_a_matrix, Cse(), 3),
        (rows_of_a_matrix, THROUGH_RESCALES, 2),
        (rows_of_a_matrix, RESCALES, 2),
        (own_rescales(1), Cse(), 2),
        (own_rescales(1), THROUGH_RESCALES, 1),
        (own_rescales(1), RESCALES, 1),
        (own_rescales(2), Cse(), 2),
        (own_rescales(2), THROUGH_RESCALES, 1),
        (own_rescales(2), RESCALES, 1),
        (own_rescales_of_both, Cse(), 2),
        (own_rescales_of_both, THROUGH_RESCALES, 1),
        (of_other_values, THROUGH_RESCALES, 2),
        (of_other_values, Cse(rescales=True, through_rescales=True), 2),
    ],
)
def test_products_that_are_left(made: Callable[[], Graph], one: Cse, products: int) -> None:
    before = made()
    after = one.apply(before)
    assert [node.op for _, node in after.operators()].count("MUL") == products
    for arrays in input_sets(before)[:2]:
        assert outputs(after, arrays) == outputs(before, arrays)


class TestCse(PassContract):
    a_pass = Cse()
    operators = REPEATS


class TestCseThroughRescales(PassContract):
    a_pass = Cse(through_rescales=True)
    operators = REPEATED_BEHIND


class TestCseRescalesThroughRescales(PassContract):
    a_pass = Cse(rescales=True, through_rescales=True)
    operators = REPEATS


class TestCseRescales(PassContract):
    a_pass = Cse(rescales=True)
    operators = REPEATS + REPEATED_RESCALES
