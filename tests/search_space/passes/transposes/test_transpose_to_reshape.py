"""The contract of `transpose-to-reshape`."""

from search_space.passes.transposes.transpose_to_reshape import TransposeToReshape
from velatune.testing import PassContract
from velatune.testing.random.movements import UNIT_MOVEMENTS


class TestTransposeToReshape(PassContract):
    a_pass = TransposeToReshape()
    operators = UNIT_MOVEMENTS
