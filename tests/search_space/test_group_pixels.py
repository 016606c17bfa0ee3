"""The contract of `group-pixels`."""

from support.random.convolutions import PIXELS

from search_space.choices.convolution.group_pixels import GroupPixels
from velatune.testing import PassContract


class TestGroupPixels(PassContract):
    a_pass = GroupPixels()
    operators = PIXELS
