"""The contract of `minimise-transposed-bytes`."""

from support.random.around_operators import AFTER_ANY, BEFORE_ANY
from support.random.data_movement.joins import SETTLING

from search_space.passes.transposes.minimise_transposed_bytes import MinimiseTransposedBytes
from velatune.testing import PassContract


class TestMinimiseTransposedBytes(PassContract):
    a_pass = MinimiseTransposedBytes()
    operators = SETTLING * 6 + BEFORE_ANY + AFTER_ANY
