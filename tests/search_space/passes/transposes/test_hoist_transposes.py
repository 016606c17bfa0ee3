"""The contract of `hoist-transposes`."""

from support.random.around_operators import AFTER_ANY

from search_space.passes.transposes.hoist_transposes import HoistTransposes
from velatune.testing import PassContract


class TestHoistTransposes(PassContract):
    a_pass = HoistTransposes()
    operators = AFTER_ANY
