"""The contract of `flatten-concat`."""

from support.random.data_movement.copies import NESTED

from search_space.choices.data_movement.flatten_concat import FlattenConcat
from velatune.testing import PassContract


class TestFlattenConcat(PassContract):
    a_pass = FlattenConcat()
    operators = NESTED
