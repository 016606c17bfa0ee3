"""What elementwise operations compute, on operands of at most 32 bits held in int64."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from workers.ethos_u.npu_model.errors import Fault

_BITS = 32


def wrapped(values: np.ndarray, bits: int = _BITS) -> np.ndarray:
    """The signed number in the lowest `bits` bits of each value.

    Args:
        values: int64.
        bits: width of the number, at most 64.

    Returns:
        int64 of the same shape.
    """
    excess = 64 - bits
    return values << excess >> excess


def shifted_left(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """SHL. Bits beyond 32 are lost.

    Args:
        a: int64, within 32 bits.
        b: amounts, 0 to 31, of a shape that broadcasts with `a`.

    Returns:
        int64, within 32 bits.

    Raises:
        Fault: an amount is outside 0 to 31.
    """
    return wrapped(a << checked_shift(b))


def shifted_right(a: np.ndarray, b: np.ndarray, rounds: bool) -> np.ndarray:
    """SHR, arithmetic. Rounding takes halves up, as TOSA's ARITHMETIC_RIGHT_SHIFT does.

    Args:
        a: int64.
        b: amounts, 0 to 31, of a shape that broadcasts with `a`.
        rounds: whether it rounds; else downwards.

    Returns:
        int64.

    Raises:
        Fault: an amount is outside 0 to 31.
    """
    amount = checked_shift(b)
    return a + ((1 << amount) >> 1) >> amount if rounds else a >> amount


def shifted_right_unsigned(a: np.ndarray, b: np.ndarray, bits: int) -> np.ndarray:
    """LSR.

    Args:
        a: int64.
        b: amounts, 0 to 31, of a shape that broadcasts with `a`.
        bits: width of what is shifted.

    Returns:
        int64, signed within `bits` bits.

    Raises:
        Fault: an amount is outside 0 to 31.
    """
    return wrapped((a & (1 << bits) - 1) >> checked_shift(b), bits)


def leading_zeros(a: np.ndarray) -> np.ndarray:
    """CLZ of 32-bit numbers."""
    # The exponent of a number in double precision is its bit length.
    return _BITS - np.frexp((a & 0xFFFFFFFF).astype(np.float64))[1].astype(np.int64)


def divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """DIV, towards zero.

    Args:
        a: int64.
        b: int64, of a shape that broadcasts with `a`.

    Returns:
        int64.

    Raises:
        Fault: a divisor is 0, or the quotient is 2**31. TOSA's INTDIV leaves both undefined.
    """
    if not b.all():
        raise Fault("DIV by zero")
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


def checked_shift(b: np.ndarray) -> np.ndarray:
    """The amount of a shift.

    Raises:
        Fault: it is not from 0 to 31. TOSA leaves that undefined.
    """
    if int(b.min()) < 0 or int(b.max()) >= _BITS:
        raise Fault("the amount of a shift is not from 0 to 31")
    return b


def _mask(compare: np.ufunc) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """True is -1, all bits set: Vela selects by AND and AND_NOT with it, and makes a TOSA BOOL of it by AND with 1."""
    return lambda a, b: -compare(a, b).astype(np.int64)


def _and_not(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a & ~b


#: By the mode's name. Those that need more than two operands are the functions above.
BINARY: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "MIN": np.minimum,
    "MAX": np.maximum,
    "SHL": shifted_left,
    "DIV": divided,
    "CMP_EQ": _mask(np.equal),
    "CMP_NE": _mask(np.not_equal),
    "CMP_GE": _mask(np.greater_equal),
    "CMP_GT": _mask(np.greater),
    "AND": np.bitwise_and,
    "OR": np.bitwise_or,
    "XOR": np.bitwise_xor,
    "AND_NOT": _and_not,
}

UNARY: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "ABS": np.abs,
    "CLZ": leading_zeros,
    "NOT": np.invert,
}
