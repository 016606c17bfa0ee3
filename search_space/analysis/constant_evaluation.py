"""Evaluation of integer and boolean elementwise operators on given values, in numpy.

Source: TOSA 1.0 specification, the pseudocode of each operator. TOSA leaves some results undefined: a sum past int32, a
value too large for a RESCALE's shift. There is no value for them here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.graph import Node

Values = np.ndarray

_SMALLEST, _LARGEST = integer_range("INT32")


def values_of(node: Node, data: Sequence[Values], parameters: Sequence[Node]) -> Values | None:
    """Evaluate one operator.

    Args:
        node: the operator.
        data: values of its data operands, int64, of one shape or broadcast; BOOL as 0 and 1.
        parameters: its other operands, all constants.

    Returns:
        int64, or None where the operator is not known here or TOSA does not define the result.
    """
    function = _OPERATORS.get(node.op)
    if function is None or node.type.dtype not in NUMPY or any(p.type.dtype not in NUMPY for p in parameters):
        return None
    result = function(node, data, [p.array.ravel() for p in parameters])
    if result is None or node.type.dtype == "BOOL" or node.op == "RESCALE":  # which limits its results itself
        return result
    low, high = integer_range(node.type.dtype)
    return result if low <= result.min() and result.max() <= high else None


#: A node, the values of its data operands, those of its parameters.
_Function = Callable[[Node, Sequence[Values], Sequence[Values]], Values | None]


def _plain(function: Callable[..., Values]) -> _Function:
    """An operator without attributes and parameters."""
    return lambda node, data, parameters: function(*data).astype(np.int64)


def _cast(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values:
    return data[0].astype(NUMPY[node.type.dtype]).astype(np.int64)


def _clamp(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values:
    size = NUMPY[node.type.dtype].itemsize
    low, high = (
        int.from_bytes(node.attributes[bound][:size], "little", signed=True) for bound in ("min_val", "max_val")
    )
    return np.clip(data[0], low, high)


def _mul(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values | None:
    product, shift = data[0] * data[1], int(parameters[0][0])
    return (product + (1 << shift >> 1)) >> shift if shift else product


def _negate(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values:
    zero_in, zero_out = (one.astype(np.int64) for one in parameters)
    result = zero_in - data[0] + zero_out
    return result if node.type.dtype == "INT32" else np.clip(result, *integer_range(node.type.dtype))


def _rescale(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values | None:
    multipliers, shifts, *zero_points = parameters
    one_scale = len(multipliers) == 1 or ((multipliers == multipliers[0]).all() and (shifts == shifts[0]).all())
    return rescaled(node, data[0], multipliers[:1], shifts[:1], *zero_points) if one_scale else None


def rescaled(
    node: Node, data: Values, multipliers: Values, shifts: Values, zero_in: Values, zero_out: Values
) -> Values | None:
    """Evaluate a RESCALE of values of any integer type.

    Source: TOSA 1.0, RESCALE, `apply_scale_32` and `apply_scale_16`.

    Args:
        node: the RESCALE; its rounding mode and result type are used.
        data: its input, int64.
        multipliers: one, or one for each channel, which is then the last dimension.
        shifts: as `multipliers`, from 2 to 62.
        zero_in: zero point of the input, [1].
        zero_out: zero point of the result, [1].

    Returns:
        int64, or None where TOSA does not define the result or the operands are unsigned.
    """
    attributes = node.attributes
    if attributes["input_unsigned"] or attributes["output_unsigned"] or not len(zero_in) == len(zero_out) == 1:
        return None
    if attributes["rounding_mode"] not in ("SINGLE_ROUND", "DOUBLE_ROUND"):
        return None
    least, most, multiplier, shift = _one_or_each(data, multipliers, shifts)
    if not _all((multiplier >= 0) & (shift >= 2) & (shift <= 62)):
        return None
    before, after, reach = int(zero_in[0]), int(zero_out[0]), 1 << (shift - 1)
    if not _all((least - before >= -reach) & (most - before < reach)):
        return None
    #: What DOUBLE_ROUND moves values by, away from zero.
    further = (shift > 31) * (1 << 30) if attributes["rounding_mode"] == "DOUBLE_ROUND" else 0
    # A larger value never gives a smaller result: the ends say of all whether they are in range.
    least, most = (
        ((one - before) * multiplier + reach + further * (1 - 2 * (one < before)) >> shift) for one in (least, most)
    )
    low, high = least + min(after, 0), most + max(after, 0)
    if not _all((low >= _SMALLEST) & (high <= _LARGEST)):
        return None
    result = np.multiply(data, multiplier, dtype=np.int64)
    result += reach - before * multiplier
    if not _all(further == 0):
        result += further * (1 - 2 * (data < before))
    result >>= shift
    result += after
    low, high = integer_range(node.type.dtype)
    return result if _all((least + after >= low) & (most + after <= high)) else result.clip(low, high)


#: A number, or one for each channel.
_OneOrEach = int | Values


def _one_or_each(data: Values, multipliers: Values, shifts: Values) -> tuple[_OneOrEach, ...]:
    """The least and the largest of the values that are scaled alike, their multiplier and their shift. They are
    numbers, since small arrays take longer."""
    if len(multipliers) == 1:
        return int(data.min()), int(data.max()), int(multipliers[0]), int(shifts[0])
    rows = data.reshape(-1, len(multipliers))
    ends = rows.min(axis=0), rows.max(axis=0), multipliers, shifts
    return tuple(one.astype(np.int64) for one in ends)


def _all(answer: bool | Values) -> bool:
    return answer if isinstance(answer, bool) else bool(answer.all())


def _shifted_right(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values | None:
    value, shift = np.broadcast_arrays(*data)
    if not _within(shift, 0, 8 * NUMPY[node.type.dtype].itemsize - 1):
        return None
    up = (shift > 0) & ((value >> np.maximum(shift - 1, 0)) & 1 != 0) & node.attributes["round"]
    return (value >> shift) + up


def _table(node: Node, data: Sequence[Values], parameters: Sequence[Values]) -> Values | None:
    return parameters[0].astype(np.int64)[data[0] + 128] if node.type.dtype == "INT8" else None


def _within(values: Values, low: int | Values, high: int | Values) -> bool:
    return bool(((values >= low) & (values <= high)).all())


_OPERATORS: dict[str, _Function] = {
    "ABS": _plain(np.abs),
    "ADD": _plain(np.add),
    "ARITHMETIC_RIGHT_SHIFT": _shifted_right,
    "BITWISE_AND": _plain(np.bitwise_and),
    "BITWISE_NOT": _plain(np.invert),
    "BITWISE_OR": _plain(np.bitwise_or),
    "BITWISE_XOR": _plain(np.bitwise_xor),
    "CAST": _cast,
    "CLAMP": _clamp,
    "EQUAL": _plain(np.equal),
    "GREATER": _plain(np.greater),
    "GREATER_EQUAL": _plain(np.greater_equal),
    "IDENTITY": _plain(np.copy),
    "LOGICAL_AND": _plain(np.logical_and),
    "LOGICAL_NOT": _plain(np.logical_not),
    "LOGICAL_OR": _plain(np.logical_or),
    "LOGICAL_XOR": _plain(np.logical_xor),
    "MAXIMUM": _plain(np.maximum),
    "MINIMUM": _plain(np.minimum),
    "MUL": _mul,
    "NEGATE": _negate,
    "RESCALE": _rescale,
    "SELECT": _plain(np.where),
    "SUB": _plain(np.subtract),
    "TABLE": _table,
}

#: Operators of which the values are known here.
KNOWN = frozenset(_OPERATORS)
