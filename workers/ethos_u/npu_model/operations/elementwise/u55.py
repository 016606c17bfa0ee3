"""Elementwise operations of U55 and U65. Scales: ethosu55/ethos_u55_register_cs_generator.cpp of Vela."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.elementwise.functions import BINARY, UNARY, shifted_right
from workers.ethos_u.npu_model.operations.fixed_shift import FIXED_SHIFTS, means_fixed_shift
from workers.ethos_u.npu_model.operations.operands import operand
from workers.ethos_u.npu_model.operations.rounding import scaled, within

# Only these look at OFM_SCALE; Vela gives the others the scale mode PER_CHANNEL and (1, 0).
_SCALED = {"MUL", "ADD", "SUB", "ABS"}
_MODES = _SCALED | {"MIN", "MAX", "CLZ", "SHR", "SHL"}


def elementwise_u55(operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None) -> np.ndarray:
    """As `workers.ethos_u.npu_model.operations.elementwise.elementwise`, for U55 and U65.

    Args:
        operation: its kind is elementwise.
        ifm: `[S, H, W, C]` as stored.
        ifm2: likewise; None if the mode has one operand.

    Returns:
        int64 `[S, H, W, C]`, where operands are not broadcast with size 1.

    Raises:
        Unmodelled: a mode or scale whose meaning is not known.
        Fault: a value is beyond 32 bits, or what TOSA leaves undefined.
    """
    mode, first, second, ofm = operation.elementwise_mode, operation.ifm, operation.ifm2, operation.ofm
    assert mode is not None and first is not None and ofm is not None
    if mode not in _MODES:
        raise Unmodelled(f"elementwise mode {mode} of {operation.family} is not modelled")
    a = operand(first, ifm)
    if second is None:
        result = UNARY[mode](a)
    else:
        assert ifm2 is not None
        b = operand(second, ifm2)
        # ORDER_A: IFM2 is operand A of what is computed and scaled.
        if operation.registers.choice("IFM2_BROADCAST", "operand_order") == "ORDER_A":
            a, b = b, a
        if mode == "SHR":
            result = shifted_right(a, b, rounds=_shift_rounds(operation))
        else:
            if mode in ("ADD", "SUB"):
                a, b = _operands_scaled(operation, a, b)
            result = BINARY[mode](a, b)
    if mode in ("ADD", "SUB"):
        within(result, 32, mode)
    return within(_ofm_scaled(operation, mode, result), 32, mode)


def _operands_scaled(operation: Operation, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    number, ifm = operation.registers.number, operation.ifm
    assert ifm is not None
    by_16_bits = operation.ifm_scale_mode == "OPA_OPB_16"
    scale_a, shift_a = number("OPA_SCALE", "scale"), number("OPA_SCALE", "shift")
    scale_b = number("OPB_SCALE")
    if by_16_bits:
        if shift_a or max(scale_a, scale_b) >= 1 << 15:
            raise Unmodelled(f"OPA_SCALE ({scale_a}, {shift_a}) and OPB_SCALE {scale_b} are no scales of 16 bits")
        a *= scale_a
        b *= scale_b
        return a, b
    fixed = FIXED_SHIFTS.get(ifm.element_bytes)
    if fixed is None:
        raise Unmodelled(f"{operation.ifm_scale_mode} with {ifm.element_bytes} bytes an element is not modelled")
    # OPA_SCALE is the 32-bit scale whichever operand it is for. The register of the other scale has 16 bits.
    if not means_fixed_shift(scale_b, fixed):
        raise Fault(f"OPB_SCALE {scale_b} with {operation.ifm_scale_mode}: the hardware shifts left by {fixed} instead")
    rounding = operation.registers.choice("IFM_PRECISION", "round_mode")
    # The hardware shifts the scaled operand by one more than the other one, and back (`double_round` in
    # ethos_u55_register_cs_generator.cpp).
    if operation.ifm_scale_mode == "OPA_32":
        b <<= fixed
        return scaled(a, scale_a, shift_a, rounding, ahead=fixed + 1), b
    a <<= fixed
    return a, scaled(b, scale_a, shift_a, rounding, ahead=fixed + 1)


def _shift_rounds(operation: Operation) -> bool:
    # Vela means "towards lower" by the mode that it sets for shifts without rounding, which U55 does not have: its
    # generator then writes DBL (MapHLCRoundModeToInterface).
    if operation.rounding not in ("NATURAL", "DBL"):
        raise Unmodelled(f"SHR with rounding {operation.rounding} is not modelled")
    return operation.rounding == "NATURAL"


def _ofm_scaled(operation: Operation, mode: str, values: np.ndarray) -> np.ndarray:
    ifm, ofm, number = operation.ifm, operation.ofm, operation.registers.number
    assert ifm is not None and ofm is not None
    scale, shift = number("OFM_SCALE", "scale"), number("OFM_SCALE", "shift")
    if mode not in _SCALED:
        if (scale, shift) != (1, 0):
            raise Fault(f"OFM_SCALE ({scale}, {shift}) with {mode}: the hardware does not scale its result")
        return values
    if operation.scale_mode != "GLOBAL":
        raise Unmodelled(f"{mode} with scales per channel is not modelled")
    # SupportedOFMQuant of ethos_u55_constraints.cpp: "shift-only if input or output is 32-bit".
    if scale != 1 and max(ifm.element_bytes, ofm.element_bytes) > 2:
        raise Fault(f"OFM_SCALE ({scale}, {shift}) with {mode} of 32 bits: the hardware only shifts")
    rounding = operation.rounding
    assert rounding is not None
    return scaled(values, scale, shift, rounding)
