"""All kinds of miscompilations that are known."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.constants import shared_weights, written_constants
from benchmarks.correctness.miscompilations.miscompilation import Miscompilation
from benchmarks.correctness.miscompilations.outputs import lost_output, overwritten_indices, read_booleans
from benchmarks.correctness.miscompilations.padding import (
    brick_padding,
    empty_window,
    fused_padding,
    lost_padding,
    padded_zero_point,
    reshaped_padding,
)
from benchmarks.correctness.miscompilations.scaling import (
    addition_scales,
    argmax_channels,
    double_rounded_sum,
    int48_scales,
    lost_saturation,
    matmul_channels,
    narrowing_cast,
    nearest_axes,
    rounded_negation,
    rounded_product,
    scaled_max_pool,
    shifted_clamp,
)
from benchmarks.correctness.miscompilations.shapes import (
    batched_activation,
    batched_average,
    reduced_minimum,
    reshaped_selection,
    scalar_operand,
    tensor_shape,
    two_batches,
    wide_bricks,
)
from benchmarks.correctness.miscompilations.slices import (
    reduced_slice,
    sliced_matmul,
    sliced_operands,
    sliced_reduction,
    sliced_rescale,
)
from benchmarks.correctness.miscompilations.transposes import (
    cancelled_transposes,
    square_transposes,
    transposed_blocks,
    transposed_rows,
)

#: What is likely to be met first.
MISCOMPILATIONS: tuple[Miscompilation, ...] = tuple(
    one.MISCOMPILATION
    for one in (
        sliced_matmul, batched_activation, lost_output, lost_padding, addition_scales, reduced_minimum, tensor_shape,
        written_constants, matmul_channels, sliced_reduction, transposed_blocks, scaled_max_pool, batched_average,
        narrowing_cast, nearest_axes, padded_zero_point, empty_window, shifted_clamp, rounded_product,
        double_rounded_sum, overwritten_indices, transposed_rows, reshaped_padding, cancelled_transposes,
        scalar_operand, argmax_channels, read_booleans, brick_padding, square_transposes,
        reshaped_selection, fused_padding, int48_scales, sliced_operands, lost_saturation, sliced_rescale,
        two_batches, reduced_slice, shared_weights, rounded_negation, wide_bricks,
    )
)  # fmt: skip
