"""The contract of `unbatch`."""

from support.random.data_movement.repeats import BATCHES

from search_space.choices.elementwise.unbatch import Unbatch
from velatune.testing import PassContract


class TestUnbatch(PassContract):
    a_pass = Unbatch()
    operators = BATCHES
