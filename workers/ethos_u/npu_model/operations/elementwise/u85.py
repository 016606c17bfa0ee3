"""Elementwise operations of U85. Scales: ethosu85/ethos_u85_register_cs_generator.cpp of Vela."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import FeatureMap, Operation
from workers.ethos_u.npu_model.errors import Unmodelled
from workers.ethos_u.npu_model.operations.elementwise.functions import (
    BINARY,
    UNARY,
    shifted_right,
    shifted_right_unsigned,
)
from workers.ethos_u.npu_model.operations.operands import operand
from workers.ethos_u.npu_model.operations.rounding import scaled, within

_SHIFTS = {"SHR", "SHL", "LSR"}
_UNSCALED_OPERANDS = {"MUL", "DIV"}
_SHR_ROUNDS = {"NATURAL": True, "TRUNCATE_TO_LOWER": False}


def elementwise_u85(operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None) -> np.ndarray:
    """As `workers.ethos_u.npu_model.operations.elementwise.elementwise`, for U85.

    Args:
        operation: its kind is elementwise.
        ifm: `[S, H, W, C]` as stored; of a constant in a register, `[1, 1, 1, 1]`.
        ifm2: likewise; None if the mode has one operand.

    Returns:
        int64 `[S, H, W, C]`, where operands are not broadcast with size 1.

    Raises:
        Unmodelled: a mode or scale whose meaning is not known.
        Fault: a value is beyond 32 bits, or what TOSA leaves undefined.
    """
    mode, first, second, ofm = operation.elementwise_mode, operation.ifm, operation.ifm2, operation.ofm
    assert mode is not None and first is not None and ofm is not None
    a = _operand(operation, "IFM", first, ifm)
    if second is None:
        if mode not in UNARY:
            raise Unmodelled(f"elementwise mode {mode} of {operation.family} is not modelled")
        result = UNARY[mode](a)
    else:
        assert ifm2 is not None
        b = _operand(operation, "IFM2", second, ifm2)
        if mode == "SHR":
            if operation.rounding not in _SHR_ROUNDS:
                raise Unmodelled(f"SHR with rounding {operation.rounding} is not modelled")
            result = shifted_right(a, b, _SHR_ROUNDS[operation.rounding])
        elif mode == "LSR":
            result = shifted_right_unsigned(a, b, 8 * first.element_bytes)
        elif mode in BINARY:
            result = BINARY[mode](a, b)
        else:
            raise Unmodelled(f"elementwise mode {mode} of {operation.family} is not modelled")
    if mode != "MUL":
        within(result, 32, mode)
    if operation.registers.number("OFM_SCALE", "dbl_rnd"):
        raise Unmodelled("OFM_SCALE.dbl_rnd is not modelled")  # Vela always writes 0
    scale, shift, rounding = _scale(operation, "OFM")
    if mode in _SHIFTS or mode == "DIV":
        if (scale, shift) != (1, 0):
            raise Unmodelled(f"OFM_SCALE ({scale}, {shift}) with {mode} is not modelled")
    else:
        result = scaled(result, scale, shift, rounding)
    # Of an unscaled product TOSA keeps the lowest 32 bits, and so does an OFM that is not clipped.
    if not (mode == "MUL" and (scale, shift) == (1, 0) and ofm.element_bytes == 4):
        within(result, 32, mode)
    return result


def _operand(operation: Operation, name: str, feature_map: FeatureMap, values: np.ndarray) -> np.ndarray:
    scale, shift, rounding = _scale(operation, name)
    mode, ahead = operation.elementwise_mode, operation.registers.number(f"{name}_SCALE", "dbl_rnd")
    if (scale, shift) != (1, 0) and (mode in _UNSCALED_OPERANDS or feature_map.element_bytes > 2):
        # SupportedIFMQuant of ethos_u85_constraints.cpp has no scales for these.
        raise Unmodelled(f"{name}_SCALE ({scale}, {shift}) with {mode} of {8 * feature_map.element_bytes} bits")
    result = scaled(operand(feature_map, values), scale, shift, rounding, ahead)
    return within(result, 32, f"operand {name} of {mode}")


def _scale(operation: Operation, name: str) -> tuple[int, int, str]:
    register, get = f"{name}_SCALE", operation.registers
    return get.number(register, "scale"), get.number(register, "shift"), get.choice(register, "round_mode")
