"""The contract of `turn-matmul`."""

from support.random.sums import TURNED_PRODUCTS

from search_space.choices.matmul.turn_matmul import TurnMatmul
from velatune.testing import PassContract


class TestTurnMatmul(PassContract):
    a_pass = TurnMatmul()
    operators = TURNED_PRODUCTS
