"""The contract of `window-to-depth`."""

from support.random.convolutions import NARROW, STRIDED

from search_space.choices.convolution.window_to_depth import WindowToDepth
from velatune.testing import PassContract


class TestWindowToDepth(PassContract):
    a_pass = WindowToDepth()
    operators = STRIDED + NARROW
