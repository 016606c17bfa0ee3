"""The contract of `remove-noops`."""

from search_space.passes.remove_noops import RemoveNoops
from velatune.testing import PassContract
from velatune.testing.random.operators import NOOPS


class TestRemoveNoops(PassContract):
    a_pass = RemoveNoops()
    operators = NOOPS
