"""The contract of `block-diagonal-conv`."""

from support.random.convolution.convolutions import PIXELS

from search_space.choices.convolution.pixels.block_diagonal_conv import BlockDiagonalConv
from velatune.testing import PassContract, Program


def test_int16_is_no_site() -> None:
    p = Program()
    graph = p.graph(p.conv(p.input(1, 4, 4, 24, dtype="INT16"), 8))
    assert BlockDiagonalConv().apply(graph) is graph


class TestBlockDiagonalConv(PassContract):
    a_pass = BlockDiagonalConv()
    operators = PIXELS
