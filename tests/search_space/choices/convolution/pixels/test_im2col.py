"""The contract of `im2col`."""

from support.random.convolution.convolutions import NARROW, STRIDED

from search_space.choices.convolution.pixels.im2col import Im2col
from velatune.testing import PassContract


class TestIm2col(PassContract):
    a_pass = Im2col()
    operators = STRIDED + NARROW
