"""The contract of `settle-moves`."""

from support.random.around_operators import AFTER_ANY, BEFORE_ANY
from support.random.joins import SETTLING

from search_space.passes.settle_moves import SettleMoves
from velatune.testing import PassContract


class TestSettleMoves(PassContract):
    a_pass = SettleMoves()
    operators = SETTLING * 6 + BEFORE_ANY + AFTER_ANY
