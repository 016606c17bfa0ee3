"""Pools, reductions along the depth, and the copies and RESCALEs that Vela makes of pools."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.operations.parts import by_parts
from workers.ethos_u.npu_model.operations.pool.scale import pool_scale
from workers.ethos_u.npu_model.operations.pool.u55 import pool_u55
from workers.ethos_u.npu_model.operations.pool.u85 import pool_u85
from workers.ethos_u.npu_model.weights import ChannelScales

__all__ = ["pool"]


def pool(
    operation: Operation,
    ifm: np.ndarray,
    ifm2: np.ndarray | None = None,
    scales: ChannelScales | None = None,
    kept: np.ndarray | None = None,
) -> np.ndarray:
    """The result of a pool before zero point, clip and table of the OFM.

    Args:
        operation: its kind is pool.
        ifm: `[S, H, W, C]` as stored. U85's NONE does not look at it.
        ifm2: likewise, what accumulators start from, if `operation.accumulator_input` is IFM2.
        scales: if `operation.scale_mode` is PER_CHANNEL, as it is for a RESCALE of TOSA that is.
        kept: what the operation before returned, if accumulators start from it (KEEP).

    Returns:
        int64 `[S, OFM height, OFM width, OFM depth]`. If the operation writes no result, its accumulators, for the next
        one (`workers.ethos_u.npu_model.operations.accumulators`).

    Raises:
        Unmodelled: a mode, scale or start of the accumulators whose meaning is not known.
        Fault: a maximum that is scaled on U55 or U65, or a window of nothing but padding. Two more causes are undefined
            in TOSA: a sum beyond the accumulator, a scaled value beyond 32 bits.
    """
    scale, ofm = pool_scale(operation, scales), operation.ofm
    assert ofm is not None

    def compute(first: np.ndarray, second: np.ndarray | None) -> np.ndarray:
        if operation.family == "ethos-u85":
            return pool_u85(operation, first, second, scale, kept)
        return pool_u55(operation, first, scale)

    return compute(ifm, ifm2) if kept is not None else by_parts(compute, ifm, ifm2, ofm, axes=(0,))
