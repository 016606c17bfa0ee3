"""The contract of `merge-transposed-axes`."""

from search_space.passes.transposes.merge_transposed_axes import MergeTransposedAxes
from velatune.testing import PassContract
from velatune.testing.random.movements import DETOURS, WIDE_TRANSPOSES


class TestMergeTransposedAxes(PassContract):
    a_pass = MergeTransposedAxes()
    operators = DETOURS + WIDE_TRANSPOSES
