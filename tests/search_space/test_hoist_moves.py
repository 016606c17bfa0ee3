"""The contract of `hoist-moves`."""

from support.random.around_operators import AFTER_ANY

from search_space.passes.hoist_moves import HoistMoves
from velatune.testing import PassContract


class TestHoistMoves(PassContract):
    a_pass = HoistMoves()
    operators = AFTER_ANY
