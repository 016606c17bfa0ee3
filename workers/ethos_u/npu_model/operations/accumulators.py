"""What accumulators start from, and whether they outlive an operation.

On U85 an operation can start from the previous one's accumulators (ACC_FORMAT.acc_input KEEP), or from IFM2. The
operation before it has then written nothing (acc_output DISABLE). Vela computes convolutions and pools with strides
above 3 so, tap by tap (`DecomposeForStrides` of compiler/scheduler_decompose.cpp).
"""

from __future__ import annotations

from math import prod

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.operands import operand
from workers.ethos_u.npu_model.operations.rounding import within

_BITS = {"I32": 32, "I40": 40, "I48": 48}


def accumulated(
    operation: Operation,
    values: np.ndarray,
    ifm2: np.ndarray | None = None,
    kept: np.ndarray | None = None,
    function: np.ufunc = np.add,
) -> np.ndarray:
    """What the accumulators hold when an operation has ended.

    Args:
        operation: a convolution or pool.
        values: int64 `[S, H, W, C]`, what it alone accumulates.
        ifm2: `[S, H, W, C]` as stored, if `operation.accumulator_input` is IFM2.
        kept: what `accumulated` returned for the operation before, if it is KEEP.
        function: how values come together in an accumulator.

    Returns:
        int64 `[S, H, W, C]`.

    Raises:
        Unmodelled: the format of the accumulators is unknown.
        Fault: an accumulator overflows, or holds nothing to start from.
    """
    if operation.accumulator not in _BITS:
        raise Unmodelled(f"accumulators of format {operation.accumulator} at offset {operation.offset:#x}")
    if operation.accumulator_input == "IFM2":
        assert operation.ifm2 is not None and ifm2 is not None
        values = function(operand(operation.ifm2, ifm2), values)
    elif operation.accumulator_input == "KEEP":
        values = function(_kept(operation, kept), values)
    if function is not np.add:
        return values  # as small as the inputs
    what = f"an accumulator of format {operation.accumulator} at offset {operation.offset:#x}"
    return within(values, _BITS[operation.accumulator], what)


def writes_result(operation: Operation) -> bool:
    """Whether results are written, and not kept in the accumulators for the next operation."""
    return operation.family != "ethos-u85" or operation.registers.choice("ACC_FORMAT", "acc_output") == "ENABLE"


def _kept(operation: Operation, kept: np.ndarray | None) -> np.ndarray:
    ofm, block = operation.ofm, operation.block
    assert ofm is not None and block is not None
    # There are accumulators for one block.
    if any(size > most for size, most in zip(ofm.shape, block, strict=True)):
        raise Fault(f"accumulators are kept for a block of {block}, the OFM is {ofm.shape}")
    if kept is None or prod(kept.shape[1:]) != ofm.elements:
        raise Fault("an operation goes on with accumulators that the one before it did not leave")
    return kept
