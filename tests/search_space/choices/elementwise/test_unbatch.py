"""The contract of `unbatch`."""

from support.random.data_movement.repeats import BATCHES

from search_space.choices.elementwise.unbatch import Unbatch
from velatune.testing import PassContract, Program


def test_a_column_that_its_reader_repeats_stays() -> None:
    """Vela takes its RESCALE into the MUL only if no change of shape is between the two."""
    p = Program()
    whole, column = (p.rescale(p.input(1, 6, width, 12), "INT32", 1.0) for width in (4, 1))
    product = p.op("MUL", (whole, column, p.data(0, "INT8")), (1, 6, 4, 12))
    graph = p.graph(p.rescale(product, "INT8", 1 / 128))
    assert Unbatch().apply(graph) is graph


class TestUnbatch(PassContract):
    a_pass = Unbatch()
    operators = BATCHES
