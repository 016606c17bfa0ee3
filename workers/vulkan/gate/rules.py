"""All rules of the gate, by subject: what does not load first, then what computes something else."""

from __future__ import annotations

from workers.vulkan.gate.convolution import batches as convolution_batches
from workers.vulkan.gate.convolution import depthwise_padding, depthwise_strides, dilation, groups, pointwise_steps
from workers.vulkan.gate.elementwise import (
    division_rounding,
    dropped_factors,
    int8_shapes,
    integer_remainders,
    negative_bases,
    overflowing_gelu,
    rotary_shapes,
    scalar_results,
)
from workers.vulkan.gate.finding import Rule
from workers.vulkan.gate.images import (
    aligned_corners,
    extents,
    nearest_halves,
    nearest_sizes,
    pixel_shuffle_factor,
    pool_stride,
    upsample_factor,
)
from workers.vulkan.gate.indexing import embedding_rows, gather_dims, index_places, negative_places
from workers.vulkan.gate.linear import batched_rows, choose_qparams_batch, input_channels, integer_input, qcs4w_columns
from workers.vulkan.gate.loading import (
    changed_buffers,
    constant_dimensions,
    constant_operands,
    registration,
    returned_constants,
    shader_variants,
    unread_inputs,
)
from workers.vulkan.gate.normalisation import batch_norm, group_norm, layer_norm, rms_norm
from workers.vulkan.gate.reduction import arguments, dimensions, partial_groups
from workers.vulkan.gate.reduction import batches as reduced_batches

RULES: tuple[Rule, ...] = (
    registration.RULE,
    shader_variants.RULE,
    constant_operands.RULE,
    constant_dimensions.RULE,
    returned_constants.RULE,
    changed_buffers.RULE,
    unread_inputs.RULE,
    qcs4w_columns.RULE,
    input_channels.RULE,
    integer_input.RULE,
    batched_rows.RULE,
    choose_qparams_batch.RULE,
    convolution_batches.RULE,
    groups.RULE,
    dilation.RULE,
    pointwise_steps.RULE,
    depthwise_strides.RULE,
    depthwise_padding.RULE,
    layer_norm.RULE,
    batch_norm.RULE,
    group_norm.RULE,
    rms_norm.RULE,
    reduced_batches.RULE,
    dimensions.RULE,
    arguments.RULE,
    embedding_rows.RULE,
    gather_dims.RULE,
    index_places.RULE,
    pool_stride.RULE,
    upsample_factor.RULE,
    nearest_sizes.RULE,
    aligned_corners.RULE,
    pixel_shuffle_factor.RULE,
    dropped_factors.RULE,
    scalar_results.RULE,
    int8_shapes.RULE,
    rotary_shapes.RULE,
    partial_groups.RULE,
    extents.RULE,
    nearest_halves.RULE,
    integer_remainders.RULE,
    division_rounding.RULE,
    negative_bases.RULE,
    negative_places.RULE,
    overflowing_gelu.RULE,
)
