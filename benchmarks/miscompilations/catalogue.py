"""All kinds of miscompilations that are known."""

from __future__ import annotations

from benchmarks.miscompilations import (
    addition_scales,
    batched_activation,
    lost_padding,
    narrowing_cast,
    padded_zero_point,
    scaled_max_pool,
    sliced_matmul,
    tensor_shape,
)
from benchmarks.miscompilations.miscompilation import Miscompilation

#: What is likely to be met first.
MISCOMPILATIONS: tuple[Miscompilation, ...] = tuple(
    one.MISCOMPILATION
    for one in (
        sliced_matmul, batched_activation, lost_padding, addition_scales, tensor_shape, scaled_max_pool, narrowing_cast,
        padded_zero_point,
    )
)  # fmt: skip
