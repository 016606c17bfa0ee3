"""The contract of `fuse-transposes`."""

from search_space.passes.transposes.fuse_transposes import FuseTransposes
from velatune.testing import PassContract
from velatune.testing.random.movements import CHAINS


class TestFuseTransposes(PassContract):
    a_pass = FuseTransposes()
    operators = CHAINS
