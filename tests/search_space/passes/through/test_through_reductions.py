"""The contract of `through-reductions`."""

from search_space.passes.through.through_reductions import ThroughReductions
from velatune.testing import PassContract
from velatune.testing.random.movements import AFTER, BEFORE


class TestThroughReductions(PassContract):
    a_pass = ThroughReductions()
    operators = BEFORE["reductions"]


class TestThroughReductionsUp(PassContract):
    a_pass = ThroughReductions(up=True)
    operators = AFTER["reductions"]
