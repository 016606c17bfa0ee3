"""The contract of `sink-moves`."""

from support.random.around_operators import BEFORE_ANY

from search_space.passes.sink_moves import SinkMoves
from velatune.testing import PassContract


class TestSinkMoves(PassContract):
    a_pass = SinkMoves()
    operators = BEFORE_ANY
