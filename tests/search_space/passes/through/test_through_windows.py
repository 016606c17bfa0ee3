"""The contract of `through-windows`."""

from search_space.passes.through.through_windows import ThroughWindows
from velatune.testing import PassContract
from velatune.testing.random.movements import AFTER, BEFORE


class TestThroughWindows(PassContract):
    a_pass = ThroughWindows()
    operators = BEFORE["windows"]


class TestThroughWindowsUp(PassContract):
    a_pass = ThroughWindows(up=True)
    operators = AFTER["windows"]
