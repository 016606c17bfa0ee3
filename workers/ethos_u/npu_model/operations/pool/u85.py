"""Pools of U85. Scales: ethosu85/ethos_u85_register_cs_generator.cpp of Vela, GenerateOFMScalingForPooling."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.accumulators import accumulated, writes_result
from workers.ethos_u.npu_model.operations.operands import operand
from workers.ethos_u.npu_model.operations.pool.scale import Scale
from workers.ethos_u.npu_model.operations.pool.window import (
    average,
    depth_sum,
    found,
    sum_type,
    window_extreme,
    window_sum,
)
from workers.ethos_u.npu_model.operations.windows import padded, windows

_EXTREMES = {"MAX": np.maximum, "MIN": np.minimum}

# The largest kernel that AVERAGE divides by (GetPoolingMode).
_LARGEST_DIVIDED = 8


def pool_u85(
    operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None, scale: Scale, kept: np.ndarray | None
) -> np.ndarray:
    """As `workers.ethos_u.npu_model.operations.pool.pool`, for U85.

    Args:
        operation: its kind is pool.
        ifm: `[S, H, W, C]` as stored.
        ifm2: likewise, what accumulators start from; else None.
        scale: of the pool.
        kept: what the operation before returned, if accumulators start from it; else None.

    Returns:
        int64 `[S, OFM height, OFM width, OFM depth]`, or accumulators as of `pool`.

    Raises:
        Unmodelled: a mode, scale or start of the accumulators whose meaning is not known.
        Fault: an ARGMAX with a scale per channel; other faults as of `pool`.
    """
    mode, feature_map, plain = operation.pooling_mode, operation.ifm, operation.accumulator_input == "RESET"
    assert feature_map is not None
    if mode == "NONE":
        if operation.accumulator_input != "IFM2" or not writes_result(operation):
            raise Unmodelled("a pool NONE is modelled as a copy of IFM2 only")
        return scale.applied(accumulated(operation, np.zeros((1, 1, 1, 1), np.int64), ifm2))
    if mode in ("ARGMAX_X", "ARGMAX_Y"):
        # The index lies above the value in the accumulator (GenerateOFMScalingForPooling).
        if operation.scale_mode == "PER_CHANNEL":
            raise Fault(f"an {mode} with a scale for each channel does not separate the index from the value")
        if not plain or (scale.scale, scale.shift, scale.rounding) != (1, 16, "TRUNCATE_TO_LOWER"):
            raise Unmodelled(f"an {mode} with kept accumulators or the scale {scale} is not modelled")
        return _argmax(operation, ifm)
    values = operand(feature_map, ifm, sum_type(feature_map))
    if mode in _EXTREMES:
        if operation.accumulator_input == "IFM2":
            raise Unmodelled(f"a pool {mode} that starts from IFM2 is not modelled")
        return _extreme(operation, values, scale, kept)
    if mode in ("SUM", "REDUCE_SUM"):
        own = window_sum(operation, values) if mode == "SUM" else depth_sum(operation, values)
        sums = accumulated(operation, own, ifm2, kept)
        return scale.applied(sums) if writes_result(operation) else sums
    if mode != "AVERAGE" or not plain or not scale.is_one or not _is_divided(operation):
        raise Unmodelled(f"a pool {mode} of U85 with kept accumulators or the scale {scale} is not modelled")
    return average(operation, accumulated(operation, window_sum(operation, values)), *feature_map.shape[:2])


def _extreme(operation: Operation, values: np.ndarray, scale: Scale, kept: np.ndarray | None) -> np.ndarray:
    function = _EXTREMES[str(operation.pooling_mode)]
    extremes = accumulated(operation, window_extreme(operation, values, function), None, kept, function)
    return scale.applied(found(extremes, function)) if writes_result(operation) else extremes


def _is_divided(operation: Operation) -> bool:
    kernel = operation.kernel
    assert kernel is not None
    return max(kernel.width, kernel.height) <= _LARGEST_DIVIDED


def _argmax(operation: Operation, ifm: np.ndarray) -> np.ndarray:
    """The column of the first largest value of a window, counted from the window's left."""
    kernel, padding = operation.kernel, operation.padding
    assert kernel is not None and padding is not None
    if kernel.height != 1 or kernel.dilation_x != 1 or operation.upscale != "NONE" or any(vars(padding).values()):
        raise Unmodelled("an ARGMAX with rows, dilation, upscaling or padding is not modelled")
    if operation.pooling_mode == "ARGMAX_Y" and kernel.width != 1:
        # Vela sets this mode by mistake for some slices [1, H, W, C], with a kernel along the width.
        raise Unmodelled("an ARGMAX_Y with a kernel along the width is not modelled")
    return windows(operation, padded(operation, ifm, 0))[:, :, :, 0].argmax(axis=3)
