"""The contract of `sink-transposes`."""

from support.random.around_operators import BEFORE_ANY

from search_space.passes.transposes.sink_transposes import SinkTransposes
from velatune.testing import PassContract


class TestSinkTransposes(PassContract):
    a_pass = SinkTransposes()
    operators = BEFORE_ANY
