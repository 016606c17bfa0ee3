"""The contract of `through-slices`."""

from support.random.data_movement.joins import SLICES_OF_MERGED

from search_space.passes.through.through_slices import ThroughSlices
from velatune.testing import PassContract
from velatune.testing.random.movements import AFTER, BEFORE


class TestThroughSlices(PassContract):
    a_pass = ThroughSlices()
    operators = BEFORE["slices"] + SLICES_OF_MERGED


class TestThroughSlicesUp(PassContract):
    a_pass = ThroughSlices(up=True)
    operators = AFTER["slices"]
