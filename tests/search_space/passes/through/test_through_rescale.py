"""The contract of `through-rescale`."""

from search_space.passes.through.through_rescale import ThroughRescale
from velatune.testing import PassContract
from velatune.testing.random.movements import AFTER, BEFORE


class TestThroughRescale(PassContract):
    a_pass = ThroughRescale()
    operators = BEFORE["rescales"]


class TestThroughRescaleUp(PassContract):
    a_pass = ThroughRescale(up=True)
    operators = AFTER["rescales"]
