"""U85's RESIZE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.operands import operand
from workers.ethos_u.npu_model.operations.parts import by_parts
from workers.ethos_u.npu_model.operations.rounding import scaled, within

# The hardware's accumulators hold TOSA's result times 2**16 (GenerateResizeOp of ethosu85/
# ethos_u85_register_cs_generator.cpp adds 16 to the shift).
_FRACTION_BITS = 16


def resize(operation: Operation, ifm: np.ndarray) -> np.ndarray:
    """The result of a resize before zero point, clip and table of the OFM.

    The law is TOSA's RESIZE. Output element o is at `o * scale_d + offset` in units of 1/scale_n of an IFM element.
    BILINEAR is the weighted sum of the four neighbours, not divided by `scale_n_y * scale_n_x`; NEAREST is the nearest
    one, the later of two. Neighbours beyond the border are the border. The scale register divides.

    Args:
        operation: its kind is resize.
        ifm: `[S, H, W, C]` as stored.

    Returns:
        int64 `[S, OFM height, OFM width, C]`.

    Raises:
        Unmodelled: mode REPLICATE, or registers that Vela does not set together.
        Fault: a scaled value beyond 32 bits.
    """
    mode, get, ofm = operation.resize_mode, operation.registers, operation.ofm
    assert ofm is not None
    if mode not in ("BILINEAR", "NEAREST"):
        raise Unmodelled(f"resize mode {mode} is not modelled")
    if operation.upscale != "NONE" or operation.scale_mode != "GLOBAL" or get.number("OFM_SCALE", "dbl_rnd"):
        raise Unmodelled("a resize with upscaling, scales per channel or OFM_SCALE.dbl_rnd is not modelled")
    if get.number("IFM2_ZERO_POINT"):
        raise Fault("a resize needs the zero point of IFM2 to be 0")
    return by_parts(lambda part, _: _resized(operation, part), ifm, None, ofm, axes=(0,))


def _resized(operation: Operation, ifm: np.ndarray) -> np.ndarray:
    feature_map, ofm, get = operation.ifm, operation.ofm, operation.registers
    assert feature_map is not None and ofm is not None
    values = operand(feature_map, ifm)
    for axis, name in ((1, "Y"), (2, "X")):
        points = _points(operation, name, ofm.shape[axis - 1], feature_map.shape[axis - 1])
        if operation.resize_mode == "NEAREST":
            values = values.take(points.nearest, axis)
        else:
            weight = points.weight.reshape(-1, *(1,) * (3 - axis))
            values = (
                values.take(points.before, axis) * (points.unit - weight) + values.take(points.after, axis) * weight
            )
    scale, shift = get.number("OFM_SCALE", "scale"), get.number("OFM_SCALE", "shift")
    result = scaled(values << _FRACTION_BITS, scale, shift, get.choice("OFM_SCALE", "round_mode"))
    return within(result, 32, "a scaled resize")


@dataclass(frozen=True)
class _Points:
    """Along one axis, for every output element: the IFM elements before and after it. Also the weight of the latter, in
    units of 1/unit."""

    before: np.ndarray
    after: np.ndarray
    weight: np.ndarray
    unit: int

    @property
    def nearest(self) -> np.ndarray:
        return np.where(2 * self.weight >= self.unit, self.after, self.before)


def _points(operation: Operation, name: str, outputs: int, inputs: int) -> _Points:
    number = operation.registers.number
    unit = number(f"RESIZE_{name}_SCALE_N_M1") + 1
    step = number(f"RESIZE_{name}_STEP", "one_step_int") * unit + number(f"RESIZE_{name}_STEP", "one_step_mod")
    block_step = number(f"RESIZE_{name}_STEP", "blk_step_int") * unit + number(f"RESIZE_{name}_STEP", "blk_step_mod")
    block = operation.block
    assert block is not None
    if block_step != (block[name == "X"] - 1) * step:
        raise Unmodelled(f"RESIZE_{name}_STEP: the step of a block is not that of its elements")
    at = np.arange(outputs) * step + operation.registers.signed(f"RESIZE_{name}_OFFSET", 12)
    before = at // unit
    last = inputs - 1
    return _Points(before.clip(0, last), (before + 1).clip(0, last), at - before * unit, unit)
