"""Pools of U55 and U65. Scales: ethosu55/ethos_u55_register_cs_generator.cpp of Vela, GenerateOFMScalingForPooling."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.accumulators import accumulated
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


def pool_u55(operation: Operation, ifm: np.ndarray, scale: Scale) -> np.ndarray:
    """As `workers.ethos_u.npu_model.operations.pool.pool`, for U55 and U65.

    Args:
        operation: its kind is pool.
        ifm: `[S, H, W, C]` as stored.
        scale: of the pool.

    Returns:
        int64 `[S, OFM height, OFM width, C]`, with one channel for REDUCE_SUM.

    Raises:
        Unmodelled: a mode whose meaning is not known.
        Fault: a maximum or a padded average that is scaled; other faults as of `pool`.
    """
    mode, feature_map, padding = operation.pooling_mode, operation.ifm, operation.padding
    assert feature_map is not None and padding is not None
    values = operand(feature_map, ifm, sum_type(feature_map))
    if mode == "MAX":
        if not scale.is_one:
            # Vela 5.2.0 calls the output of such pools incorrect and no longer emits them.
            raise Fault(f"a MAX pool with the scale {scale}: the hardware does not scale it")
        return scale.applied(found(window_extreme(operation, values, np.maximum), np.maximum))
    if mode == "REDUCE_SUM":
        return scale.applied(accumulated(operation, depth_sum(operation, values)))
    if mode != "AVERAGE":
        raise Unmodelled(f"pooling mode {mode} of {operation.family} is not modelled")
    sums = accumulated(operation, window_sum(operation, values))
    if padding.top or padding.left or padding.bottom or padding.right:
        # Elements have different divisors, so the hardware divides, and Vela has no scale to give it.
        if not scale.is_one:
            raise Fault(f"a padded AVERAGE pool with the scale {scale}: the hardware divides instead")
        return average(operation, sums, *feature_map.shape[:2])
    return scale.applied(sums)
