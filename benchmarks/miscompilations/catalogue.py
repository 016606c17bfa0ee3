"""All kinds of miscompilations that are known."""

from __future__ import annotations

from benchmarks.miscompilations import (
    addition_scales,
    argmax_channels,
    batched_activation,
    batched_average,
    brick_padding,
    cancelled_transposes,
    double_rounded_sum,
    empty_window,
    fused_padding,
    lost_output,
    lost_padding,
    matmul_channels,
    narrowing_cast,
    nearest_axes,
    overwritten_indices,
    padded_zero_point,
    read_booleans,
    reduced_minimum,
    reshaped_padding,
    reshaped_selection,
    rounded_product,
    scalar_operand,
    scaled_max_pool,
    shifted_clamp,
    sliced_matmul,
    sliced_reduction,
    square_transposes,
    tensor_shape,
    transposed_blocks,
    transposed_rows,
    written_constants,
)
from benchmarks.miscompilations.miscompilation import Miscompilation

#: What is likely to be met first.
MISCOMPILATIONS: tuple[Miscompilation, ...] = tuple(
    one.MISCOMPILATION
    for one in (
        sliced_matmul, batched_activation, lost_output, lost_padding, addition_scales, reduced_minimum, tensor_shape,
        written_constants, matmul_channels, sliced_reduction, transposed_blocks, scaled_max_pool, batched_average,
        narrowing_cast, nearest_axes, padded_zero_point, empty_window, shifted_clamp, rounded_product,
        double_rounded_sum, overwritten_indices, transposed_rows, reshaped_padding, cancelled_transposes,
        scalar_operand, argmax_channels, read_booleans, brick_padding, square_transposes,
        reshaped_selection, fused_padding,
    )
)  # fmt: skip
