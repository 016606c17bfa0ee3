"""Pools of U85. Scales: ethosu85/ethos_u85_register_cs_generator.cpp of Vela, GenerateOFMScalingForPooling."""

from __future__ import annotations

import numpy as np

from workers.command_stream import Operation
from workers.npu_model.errors import Unmodelled
from workers.npu_model.operands import operand
from workers.npu_model.pool.scale import Scale
from workers.npu_model.pool.window import accumulated, average, depth_sum, window_extreme, window_sum
from workers.npu_model.windows import padded, windows

_EXTREMES = {"MAX": np.maximum, "MIN": np.minimum}

# The largest kernel that AVERAGE divides by (GetPoolingMode).
_LARGEST_DIVIDED = 8


def pool_u85(operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None, scale: Scale) -> np.ndarray:
    """As `workers.npu_model.pool.pool`, for U85."""
    mode = operation.pooling_mode
    start, ends = operation.accumulator_input, operation.registers.choice("ACC_FORMAT", "acc_output") == "ENABLE"
    if start == "KEEP" or not ends:
        raise Unmodelled("accumulators that are kept from one operation to the next are not modelled")
    if start == "IFM2" and mode not in ("SUM", "REDUCE_SUM", "NONE"):
        raise Unmodelled(f"a pool {mode} that starts from IFM2 is not modelled")
    if mode == "ARGMAX_X":
        # The index lies above the value in the accumulator (GenerateOFMScalingForPooling).
        if (scale.scale, scale.shift, scale.rounding) != (1, 16, "TRUNCATE_TO_LOWER"):
            raise Unmodelled(f"an ARGMAX_X with the scale {scale} is not modelled")
        return _argmax_x(operation, ifm)
    if mode == "AVERAGE":
        if not scale.is_one:
            raise Unmodelled(f"an AVERAGE pool with the scale {scale} is not modelled")
        return _average(operation, ifm)
    return scale.applied(_accumulator(operation, ifm, ifm2))


def _accumulator(operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None) -> np.ndarray:
    mode, feature_map, second = operation.pooling_mode, operation.ifm, operation.ifm2
    assert feature_map is not None
    if mode == "NONE":
        if second is None:
            raise Unmodelled("a pool NONE that does not start from IFM2 is not modelled")
        return accumulated(operation, operand(second, ifm2))
    values = operand(feature_map, ifm)
    if mode in ("SUM", "REDUCE_SUM"):
        sums = (window_sum if mode == "SUM" else depth_sum)(operation, values)
        return sums if second is None else accumulated(operation, sums + operand(second, ifm2))
    if mode not in _EXTREMES:
        raise Unmodelled(f"pooling mode {mode} of U85 is not modelled")
    return window_extreme(operation, values, _EXTREMES[mode])


def _average(operation: Operation, ifm: np.ndarray) -> np.ndarray:
    kernel, feature_map = operation.kernel, operation.ifm
    assert kernel is not None and feature_map is not None
    if max(kernel.width, kernel.height) > _LARGEST_DIVIDED:
        raise Unmodelled(f"an AVERAGE pool with a kernel of {kernel.width} x {kernel.height} is not modelled")
    return average(operation, window_sum(operation, operand(feature_map, ifm)), *feature_map.shape[:2])


def _argmax_x(operation: Operation, ifm: np.ndarray) -> np.ndarray:
    """The column of the first largest value of a window, counted from the window's left."""
    kernel, padding = operation.kernel, operation.padding
    assert kernel is not None and padding is not None
    if kernel.height != 1 or kernel.dilation_x != 1 or operation.upscale != "NONE" or any(vars(padding).values()):
        raise Unmodelled("ARGMAX_X with rows, dilation, upscaling or padding is not modelled")
    return windows(operation, padded(operation, ifm, 0))[:, :, :, 0].argmax(axis=3)
