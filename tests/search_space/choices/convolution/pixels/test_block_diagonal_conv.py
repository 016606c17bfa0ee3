"""The contract of `block-diagonal-conv`."""

from support.random.convolution.convolutions import PIXELS

from search_space.choices.convolution.pixels.block_diagonal_conv import BlockDiagonalConv
from velatune.testing import PassContract


class TestBlockDiagonalConv(PassContract):
    a_pass = BlockDiagonalConv()
    operators = PIXELS
