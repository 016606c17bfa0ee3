"""The contract of `flatten-pixels`."""

from support.random.convolution.convolutions import PIXELS

from search_space.choices.convolution.pixels.flatten_pixels import FlattenPixels
from velatune.testing import PassContract


class TestFlattenPixels(PassContract):
    a_pass = FlattenPixels()
    operators = PIXELS
