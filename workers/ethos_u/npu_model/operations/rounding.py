"""How the NPU multiplies by a fixed-point scale and rounds the product."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.npu_model.errors import Fault, Unmodelled

# U55 and U65 name three modes, U85 six. The same law has two names in three cases.
_SAME = {"DBL": "DOUBLE_SYMMETRIC", "TRUNCATE": "TRUNCATE_TO_ZERO"}
_MODES = {
    "NATURAL", "SYMMETRIC", "DOUBLE_SYMMETRIC", "DOUBLE_ASYMMETRIC", "TRUNCATE_TO_ZERO", "TRUNCATE_TO_LOWER",
}  # fmt: skip

#: With shifts above this, the double rounding modes differ from `NATURAL`.
SINGLE_ROUND_SHIFT = 31

_DOUBLE_SHIFT = 30


def scaled(
    values: np.ndarray, scale: np.ndarray | int, shift: np.ndarray | int, mode: str, ahead: int = 0
) -> np.ndarray:
    """`values * scale / 2**shift`, rounded.

    The law is `(values * scale + r) >> shift` with an arithmetic shift. Let h be `2**(shift - 1)`, or 0 at shift 0:

    - NATURAL: r = h, so halves go up.
    - SYMMETRIC: r = h, or h - 1 for negative values, so halves go away from zero.
    - DBL, DOUBLE_SYMMETRIC: as NATURAL up to shift 31. Above it r = h + 2**30, or h - 2**30 for negative values. This
      is DOUBLE_ROUND of TOSA's apply_scale_32.
    - DOUBLE_ASYMMETRIC: as NATURAL up to shift 31; above it r = h + 2**30.
    - TRUNCATE, TRUNCATE_TO_ZERO: r = 0, or 2**shift - 1 for negative values.
    - TRUNCATE_TO_LOWER: r = 0.

    With `ahead`, the double modes round as if values were shifted left by it, and the result back. Above shift 31 -
    ahead, they round by 2**(30 - ahead). So TensorFlow Lite's ADD rounds, which shifts its operands left by 20 or 15.

    Source: Vela computes constants by these laws, in `Scale` of compiler/graphir_optimiser.cpp.

    Args:
        values: integers of any width.
        scale: the unsigned scale register, or an array of scales that broadcasts against `values`.
        shift: 0 to 63, or an array of shifts likewise.
        mode: as in `Operation.rounding`.
        ahead: 0 to 30.

    Returns:
        int64 array of the broadcast shape. The product and its rounding are exact at any width.

    Raises:
        Unmodelled: the mode is unknown.
        Fault: a result needs more than 64 bits.
    """
    mode = _SAME.get(mode, mode)
    if mode not in _MODES:
        raise Unmodelled(f"rounding mode {mode} is not modelled")
    values = np.asarray(values, np.int64)
    scale, shift = np.asarray(scale, np.int64), np.asarray(shift, np.int64)
    if (scale == 1).all() and not shift.any():
        return values
    if _largest(values) * int(scale.max()) >= 1 << 61:
        return _exactly(values, scale, shift, mode, ahead)
    product = values * scale
    product += _addend(values, shift, mode, ahead)
    product >>= shift
    return product


def within(values: np.ndarray, bits: int, what: str) -> np.ndarray:
    """`values`, unchanged.

    Args:
        values: integers.
        bits: width of a signed number that must hold them.
        what: what they are, for the message.

    Returns:
        `values`.

    Raises:
        Fault: a value does not fit. The hardware's result is then undefined, as TOSA's is.
    """
    if _largest(values) >= 1 << bits - 1 and (int(values.max()) >= 1 << bits - 1 or int(values.min()) < -1 << bits - 1):
        raise Fault(f"{what} overflows {bits} bits")
    return values


def _largest(values: np.ndarray) -> int:
    return max(int(values.max()), -int(values.min())) if values.size else 0


def _addend(values: np.ndarray, shift: np.ndarray, mode: str, ahead: int) -> np.ndarray:
    """The r of the law."""
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    if mode == "TRUNCATE_TO_LOWER":
        return np.zeros_like(half)
    if mode == "TRUNCATE_TO_ZERO":
        return np.where((values < 0) & (shift > 0), half - 1 + half, 0)
    if mode == "SYMMETRIC":
        return half - ((values < 0) & (shift > 0))
    if mode == "NATURAL" or (shift <= SINGLE_ROUND_SHIFT - ahead).all():
        return half
    double = np.where(shift > SINGLE_ROUND_SHIFT - ahead, 1 << _DOUBLE_SHIFT - ahead, 0)
    return half + (np.where(values < 0, -double, double) if mode == "DOUBLE_SYMMETRIC" else double)


def _exactly(values: np.ndarray, scale: np.ndarray, shift: np.ndarray, mode: str, ahead: int) -> np.ndarray:
    """By Python's integers, for products of more than 61 bits."""
    wide = values.astype(object) * scale.astype(object)
    result = wide + _addend(values, shift, mode, ahead).astype(object) >> shift.astype(object)
    if result.size and (result.max() >= 1 << 63 or result.min() < -1 << 63):
        raise Fault("a scaled value overflows 64 bits")
    return result.astype(np.int64)
