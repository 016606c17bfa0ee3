"""Sums over pixels as convolutions in steps, and by halves: the NPU computes what the reference model does."""

import pytest
from support.programs.sum_programs import rescaled, summed
from support.values.executed import compiled, inputs_for, verdict

from search_space.choices.pooling.sum_as_depthwise import SumAsDepthwise
from search_space.choices.pooling.tree_reduce_sum import TreeReduceSum
from search_space.ir.layout_map import Shape

#: One for each way in which a large sum is done, and whether there is a REDUCE_SUM of what the convolutions leave.
LARGE = {
    "parts": ((1, 257, 12, 3), [1], False),
    "parts of a batch": ((2, 130, 5, 8), [1], False),
    "rows": ((1, 640, 3, 8), [1], True),
    "all pixels": ((1, 96, 50, 4), [1, 2], True),
    "all pixels of a batch": ((2, 1, 5000, 2), [2], True),
    "one kernel": ((1, 128, 1, 16), [1], False),
    "columns": ((1, 1, 4099, 2), [2], False),
    "rows of columns": ((1, 2, 4201, 3), [1, 2], False),
    "parts, then columns": ((1, 67, 71, 3), [1, 2], True),
    "one channel": ((1, 200, 33, 1), [1, 2], True),
}


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
@pytest.mark.parametrize(("shape", "axes", "rest"), LARGE.values(), ids=LARGE)
def test_the_npu_computes_large_sums(shape: Shape, axes: list[int], rest: bool, accelerator: str) -> None:
    after = SumAsDepthwise(both_axes=True).apply(summed(shape, axes, -3))
    assert (after[after.outputs[0]].op == "REDUCE_SUM") == rest
    assert verdict(after, compiled(after, accelerator), inputs_for(after)).equal


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
@pytest.mark.parametrize("shape", [(1, 7, 7, 20), (2, 23, 3, 8), (1, 80, 31, 5)])
def test_the_npu_computes_means_by_halves(shape: Shape, accelerator: str) -> None:
    scaled = rescaled(summed(shape, [1, 2], -3))
    for passes in (
        (TreeReduceSum(),),
        (SumAsDepthwise(), TreeReduceSum()),
        (SumAsDepthwise(both_axes=True), TreeReduceSum()),
    ):
        after = scaled
        for one in passes:
            after = one.apply(after)
        assert verdict(after, compiled(after, accelerator), inputs_for(after)).equal
