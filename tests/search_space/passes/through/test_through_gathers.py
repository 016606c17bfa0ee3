"""The contract of `through-gathers`."""

from support.random.data_movement.gathers import GATHERS_OF_MOVED, MOVED_GATHERS

from search_space.passes.through.through_gathers import ThroughGathers
from velatune.testing import PassContract


class TestThroughGathers(PassContract):
    a_pass = ThroughGathers()
    operators = GATHERS_OF_MOVED


class TestThroughGathersUp(PassContract):
    a_pass = ThroughGathers(up=True)
    operators = MOVED_GATHERS
