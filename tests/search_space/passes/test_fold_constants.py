"""The contract of `fold-constants`."""

from search_space.passes.fold_constants import FoldConstants
from velatune.testing import PassContract
from velatune.testing.random.movements import MOVED_CONSTANTS


class TestFoldConstants(PassContract):
    a_pass = FoldConstants()
    operators = MOVED_CONSTANTS
