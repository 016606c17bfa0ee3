"""The contract of `through-elementwise`."""

from search_space.passes.through.through_elementwise import ThroughElementwise
from velatune.testing import PassContract
from velatune.testing.random.movements import AFTER, BEFORE


class TestThroughElementwise(PassContract):
    a_pass = ThroughElementwise()
    operators = BEFORE["elementwise"]


class TestThroughElementwiseUp(PassContract):
    a_pass = ThroughElementwise(up=True)
    operators = AFTER["elementwise"]
