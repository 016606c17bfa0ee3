"""The contract of `through-concat`."""

from support.random.data_movement.joins import CONCATS_OF_MOVED, MOVED_CONCATS

from search_space.passes.through.through_concat import ThroughConcat
from velatune.testing import PassContract


class TestThroughConcat(PassContract):
    a_pass = ThroughConcat()
    operators = CONCATS_OF_MOVED


class TestThroughConcatMixedUp(PassContract):
    a_pass = ThroughConcat(mixed=True, up=True)
    operators = MOVED_CONCATS


class TestThroughConcatMixed(PassContract):
    a_pass = ThroughConcat(mixed=True)
    operators = CONCATS_OF_MOVED


class TestThroughConcatUp(PassContract):
    a_pass = ThroughConcat(up=True)
    operators = MOVED_CONCATS
