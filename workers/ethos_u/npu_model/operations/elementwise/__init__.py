"""Elementwise operations."""

from __future__ import annotations

from functools import partial

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Unmodelled
from workers.ethos_u.npu_model.operations.elementwise.u55 import elementwise_u55
from workers.ethos_u.npu_model.operations.elementwise.u85 import elementwise_u85
from workers.ethos_u.npu_model.operations.parts import by_parts

__all__ = ["elementwise"]


def elementwise(operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None = None) -> np.ndarray:
    """The result of an elementwise operation before zero point, clip and table of the OFM.

    Zero points of inputs are subtracted for every mode. Operands and result are scaled as the registers say.

    Args:
        operation: its kind is elementwise.
        ifm: `[S, H, W, C]` as stored; of a constant in a register (U85), `[1, 1, 1, 1]`.
        ifm2: likewise; None if the mode has one operand.

    Returns:
        int64 `[S, OFM height, OFM width, OFM depth]`, S = 1 if no input has more.

    Raises:
        Unmodelled: a mode or scale whose meaning is not known.
        Fault: a scale that the hardware ignores. Further causes are undefined in TOSA. They are values beyond 32 bits
            (sum, scaled, product), a shift outside 0 to 31, division by zero.
    """
    if operation.upscale != "NONE" or operation.accumulator_input != "RESET":
        raise Unmodelled("an elementwise operation that upscales its IFM or adds to an accumulator is not modelled")
    compute = elementwise_u85 if operation.family == "ethos-u85" else elementwise_u55
    ofm = operation.ofm
    assert ofm is not None
    result = by_parts(partial(compute, operation), ifm, ifm2, ofm, axes=(0, 1))
    # A dimension may be broadcast in both operands.
    return np.broadcast_to(result, (len(result), *ofm.shape))
