"""The contract of `unit-transposes`."""

from search_space.passes.unit_transposes import UnitTransposes
from velatune.testing import PassContract
from velatune.testing.random.movements import UNIT_MOVEMENTS


class TestUnitTransposes(PassContract):
    a_pass = UnitTransposes()
    operators = UNIT_MOVEMENTS
