"""One function per kind of operator. It puts the operator on a value of a program under construction, if its bounds
allow it."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.graph import TensorType
from search_space.ir.layout_map import Shape
from velatune.testing.random.builder import ALL, INTEGERS, LARGEST, SAFE, Builder, corners, fits
from velatune.testing.random.kinds import Kind, Operator, Put, on

ELEMENTWISE: Kind = []
CONCATS: Kind = []
SLICES: Kind = []
REDUCTIONS: Kind = []
GATHERS: Kind = []
NOOPS: Kind = []


def _elementwise(*dtypes: str) -> Callable[[Put], Put]:
    return on(*dtypes, kind=ELEMENTWISE)


@_elementwise("INT8", "INT16")
def _clamp(b: Builder, value: int) -> None:
    dtype = b.type(value).dtype
    least, most = integer_range(dtype)
    low = least if b.chance(3) else b.draw(st.integers(least, most))
    high = most if b.chance(3) else b.draw(st.integers(low, most))
    size = NUMPY[dtype].itemsize
    low_bytes, high_bytes = (bound.to_bytes(size, "little", signed=True) for bound in (low, high))
    b.op(
        "CLAMP", (value,), b.shape(value), dtype, (low, high),
        min_val=low_bytes, max_val=high_bytes, nan_mode="PROPAGATE",
    )  # fmt: skip


@_elementwise("INT8", "INT16")
def _table(b: Builder, value: int) -> None:
    if b.type(value).dtype == "INT8":
        b.op("TABLE", (value, b.data((256,), "INT8", (-128, 127))), b.shape(value), "INT8")
    else:
        table = b.data((513,), "INT16", (-8192, 8191))
        b.op("TABLE", (value, table), b.shape(value), "INT32", (-(1 << 24), 1 << 24))


@_elementwise(*INTEGERS)
def _negate(b: Builder, value: int) -> None:
    dtype = b.type(value).dtype
    low, high = b.bounds[value]
    if dtype != "INT32" or low >= -SAFE:
        zero_points = b.zero_point(dtype)[1], b.zero_point(dtype)[1]
        b.op("NEGATE", (value, *zero_points), b.shape(value), dtype, (-high, -low) if dtype == "INT32" else None)


@_elementwise(*ALL)
def _same_type_unary(b: Builder, value: int) -> None:
    dtype = b.type(value).dtype
    low, high = b.bounds[value]
    reach = max(abs(low), abs(high))
    bounds = {"IDENTITY": (low, high)}
    if dtype == "BOOL":
        bounds["LOGICAL_NOT"] = 0, 1
    else:
        bounds["BITWISE_NOT"] = ~high, ~low
    if dtype == "INT32":
        bounds["CLZ"] = 0, 32
        if low >= -SAFE:
            bounds["ABS"] = 0, reach
    op = b.draw(st.sampled_from(sorted(bounds)))
    b.op(op, (value,), b.shape(value), dtype, bounds[op])


@_elementwise(*ALL)
def _cast(b: Builder, value: int) -> None:
    after = b.draw(st.sampled_from([dtype for dtype in ALL if dtype != b.type(value).dtype]))
    low, high = b.bounds[value]
    least, most = (0, 1) if after == "BOOL" else integer_range(after)
    b.op("CAST", (value,), b.shape(value), after, (low, high) if least <= low and high <= most else None)


@_elementwise(*INTEGERS)
def _rescale(b: Builder, value: int) -> None:
    rescaled(b, value, b.draw(st.sampled_from(INTEGERS)))


RESCALES: Kind = [Operator(_rescale, INTEGERS, None)]
ELEMENTWISE += RESCALES  # twice as often

#: What Vela does with the operator before it.
CARRIED: Kind = [Operator(put, ("INT8",), None) for put in (_clamp, _table)]


@on(*INTEGERS, kind=NOOPS)
def _rescale_by_one(b: Builder, value: int) -> None:
    rescaled(b, value, b.type(value).dtype, by_one=True)


def rescaled(b: Builder, value: int, dtype: str, by_one: bool = False, per_channel: bool | None = None) -> int:
    """Add a RESCALE whose result about fills its new type.

    Args:
        b: the program.
        value: id of the value.
        dtype: element type of the result.
        by_one: with multiplier 2^30 and shift 30, if the value fits.
        per_channel: with multipliers for each channel; drawn if left out.

    Returns:
        The id of the result.
    """
    tensor = b.type(value)
    zero_in, zero_in_id = (0, b.parameter(0, "INT48")) if tensor.dtype == "INT48" else b.zero_point(tensor.dtype)
    low, high = b.bounds[value]
    bits = max(abs(low - zero_in), abs(high - zero_in)).bit_length()
    by_one = by_one and bits <= 28
    scale32 = tensor.dtype != "INT48" and (by_one or b.draw(st.booleans()))
    digits = 31 if scale32 else 15
    wanted = {"INT8": 8, "INT16": 16, "INT32": 24}[dtype] + b.draw(st.integers(-1, 2))
    # A value must stay below 2^(shift-1), the scaled one within int32.
    shift = min(max(2, bits + 1, bits + digits - 30, bits + digits - wanted), 61)
    per_channel = b.draw(st.booleans()) if per_channel is None else per_channel
    count = tensor.shape[-1] if per_channel else 1
    multipliers = b.random.integers(1 << (digits - 1), 1 << digits, count)
    shifts = shift + b.random.integers(0, 2, count)
    zero_out_id = b.zero_point(dtype)[1]
    if by_one:
        multipliers, shifts = np.full(count, 1 << 30), np.full(count, 30)
        if tensor.dtype == dtype and not b.chance(3):
            zero_out_id = zero_in_id
    parameters = (
        b.parameter(multipliers, "INT32" if scale32 else "INT16", (count,)), b.parameter(shifts, "INT8", (count,)),
        zero_in_id, zero_out_id,
    )  # fmt: skip
    rounding = b.draw(st.sampled_from(["SINGLE_ROUND", "DOUBLE_ROUND"])) if scale32 else "SINGLE_ROUND"
    return b.op(
        "RESCALE", (value, *parameters), tensor.shape, dtype, (-SAFE // 2, SAFE // 2) if dtype == "INT32" else None,
        scale32=scale32, rounding_mode=rounding, per_channel=per_channel, input_unsigned=False, output_unsigned=False,
    )  # fmt: skip


@_elementwise("INT32")
def _arithmetic(b: Builder, value: int) -> None:
    functions: dict[str, Callable[[int, int], int]] = {
        "ADD": int.__add__, "SUB": int.__sub__, "MAXIMUM": max, "MINIMUM": min,
    }  # fmt: skip
    op = b.draw(st.sampled_from(["ADD", "ADD", "SUB", "MAXIMUM", "MINIMUM"]))
    first, second = b.either_way(value, b.partner(value))
    bounds = corners(functions[op], b.bounds[first], b.bounds[second])
    if max(map(abs, bounds)) <= SAFE:
        attributes = {"nan_mode": "PROPAGATE"} if op in ("MAXIMUM", "MINIMUM") else {}
        b.op(op, (first, second), b.shape(value), "INT32", bounds, **attributes)


@on("INT32", kind=NOOPS)
def _zero_or_one(b: Builder, value: int) -> None:
    """Operators that do nothing, or almost, for a reason in their constants."""
    shape, bounds = b.shape(value), b.bounds[value]
    if b.draw(st.booleans()):
        b.op(
            b.draw(st.sampled_from(["ADD", "SUB"])), (value, b.operand(shape, "INT32", (0, 0))), shape, "INT32", bounds
        )
    else:
        shift = 1 if b.chance(4) else 0
        b.op("MUL", (value, b.operand(shape, "INT32", (1, 1)), b.parameter(shift, "INT8")), shape, "INT32", bounds)


@_elementwise(*INTEGERS)
def _mul(b: Builder, value: int) -> None:
    first, second = b.either_way(value, b.partner(value))
    bounds = corners(int.__mul__, b.bounds[first], b.bounds[second])
    if max(map(abs, bounds)) <= SAFE:
        shift = b.draw(st.integers(0, 5)) if b.type(value).dtype == "INT32" else 0
        b.op("MUL", (first, second, b.parameter(shift, "INT8")), b.shape(value), "INT32", bounds)


@_elementwise(*ALL)
def _bitwise(b: Builder, value: int) -> None:
    dtype = b.type(value).dtype
    op = ("LOGICAL_" if dtype == "BOOL" else "BITWISE_") + b.draw(st.sampled_from(["AND", "OR", "XOR"]))
    b.op(op, b.either_way(value, b.partner(value)), b.shape(value), dtype)


@_elementwise(*INTEGERS)
def _shift(b: Builder, value: int) -> None:
    dtype = b.type(value).dtype
    op = b.draw(st.sampled_from(["ARITHMETIC_RIGHT_SHIFT", "LOGICAL_RIGHT_SHIFT", "LOGICAL_LEFT_SHIFT"]))
    attributes: dict[str, Any] = {"round": b.draw(st.booleans())} if op == "ARITHMETIC_RIGHT_SHIFT" else {}
    amount = b.operand(b.shape(value), dtype, (0, int(dtype[3:]) - 1))
    b.op(op, (value, amount), b.shape(value), dtype, **attributes)


@_elementwise("INT32")
def _intdiv(b: Builder, value: int) -> None:
    reach = min(SAFE, max(map(abs, b.bounds[value])))
    b.op("INTDIV", (value, b.operand(b.shape(value), "INT32", (1, 50))), b.shape(value), "INT32", (-reach - 1, reach))


@_elementwise("INT32")
def _compare(b: Builder, value: int) -> None:
    op = b.draw(st.sampled_from(["EQUAL", "GREATER", "GREATER_EQUAL"]))
    b.op(op, b.either_way(value, b.partner(value)), b.shape(value), "BOOL")


@_elementwise(*INTEGERS)
def _select(b: Builder, value: int) -> None:
    shape = b.shape(value)
    conditions = [v for v in b.values if b.type(v).dtype == "BOOL" and fits(b.shape(v), shape)]
    condition = b.draw(st.sampled_from(conditions)) if conditions else b.operand(shape, "BOOL", (0, 1))
    first, second = b.either_way(value, b.partner(value))
    (low, high), (least, most) = b.bounds[first], b.bounds[second]
    b.op("SELECT", (condition, first, second), shape, b.type(value).dtype, (min(low, least), max(high, most)))


@on(*ALL, kind=CONCATS)
def _concat(b: Builder, value: int) -> None:
    shape, dtype = b.shape(value), b.type(value).dtype
    axis = _axis(b, value)

    def rest(of: Shape) -> Shape:
        return (len(of), *of[:axis], *of[axis + 1 :])

    alike = [v for v in b.values if b.type(v).dtype == dtype and rest(b.shape(v)) == rest(shape)]
    operands = [value, *(b.draw(st.sampled_from(alike)) for _ in range(b.draw(st.integers(0, 2))))]
    if b.chance(3):
        operands.append(b.data(shape, dtype, b.bounds[value]))
    result = (*shape[:axis], sum(b.shape(v)[axis] for v in operands), *shape[axis + 1 :])
    bounds = min(b.bounds[v][0] for v in operands), max(b.bounds[v][1] for v in operands)
    if prod(result) <= LARGEST:
        b.op("CONCAT", tuple(operands), result, dtype, bounds, axis=axis)


@on(*ALL, kind=SLICES)
def _slice(b: Builder, value: int) -> None:
    start, size = [], []
    for full in b.shape(value):
        start.append(b.draw(st.integers(0, full - 1)) if b.chance(3) else 0)
        size.append(b.draw(st.integers(1, full - start[-1])) if b.chance(3) else full - start[-1])
    b.op("SLICE", (value,), tuple(size), b.type(value).dtype, b.bounds[value], start=tuple(start), size=tuple(size))


@on(*ALL, kind=SLICES)
def _pad(b: Builder, value: int) -> None:
    dtype, shape = b.type(value).dtype, b.shape(value)
    padding = tuple(b.draw(st.integers(0, 1)) if b.chance(3) else 0 for _ in range(2 * len(shape)))
    result = tuple(padding[2 * d] + size + padding[2 * d + 1] for d, size in enumerate(shape))
    low, high = b.bounds[value]
    if prod(result) <= LARGEST:
        b.op("PAD", (value, b.parameter(0, dtype)), result, dtype, (min(low, 0), max(high, 0)), padding=padding)


@on(*ALL, kind=SLICES)
def _tile(b: Builder, value: int) -> None:
    multiples = [1] * len(b.shape(value))
    if b.chance(2) and 2 * prod(b.shape(value)) <= LARGEST:
        multiples[_axis(b, value)] = 2
    result = tuple(m * size for m, size in zip(multiples, b.shape(value), strict=True))
    b.op("TILE", (value,), result, b.type(value).dtype, b.bounds[value], multiples=tuple(multiples))


def _axis(b: Builder, value: int) -> int:
    return b.draw(st.integers(0, len(b.shape(value)) - 1))


@on(*ALL, kind=SLICES)
def _reverse(b: Builder, value: int) -> None:
    b.op("REVERSE", (value,), b.shape(value), b.type(value).dtype, b.bounds[value], axis=_axis(b, value))


@on(*ALL, kind=REDUCTIONS)
def _reduce(b: Builder, value: int) -> None:
    dtype, axis, shape, bounds = b.type(value).dtype, _axis(b, value), b.shape(value), b.bounds[value]
    total = bounds[0] * shape[axis], bounds[1] * shape[axis]
    attributes: dict[str, Any] = {}
    if dtype == "BOOL":
        op = b.draw(st.sampled_from(["REDUCE_ANY", "REDUCE_ALL"]))
    elif dtype == "INT32" and max(map(abs, total)) <= SAFE and b.draw(st.booleans()):
        op, bounds = "REDUCE_SUM", total
    else:
        op, attributes = b.draw(st.sampled_from(["REDUCE_MAX", "REDUCE_MIN"])), {"nan_mode": "PROPAGATE"}
    b.op(op, (value,), (*shape[:axis], 1, *shape[axis + 1 :]), dtype, bounds, axis=axis, **attributes)


@on("INT8", "INT16", kind=REDUCTIONS)
def _argmax(b: Builder, value: int) -> None:
    axis, shape = _axis(b, value), b.shape(value)
    if len(shape) > 1:
        result = shape[:axis] + shape[axis + 1 :]
        b.op("ARGMAX", (value,), result, "INT32", (0, shape[axis] - 1), axis=axis, nan_mode="PROPAGATE")


@on(*INTEGERS, kind=GATHERS, rank=3)
def _gather(b: Builder, value: int) -> None:
    n, k, c = b.shape(value)
    w = b.draw(st.integers(1, 2))
    indices = _indices(b, n, lambda: b.random.integers(0, k, w))
    b.op("GATHER", (value, indices), (n, w, c), b.type(value).dtype, b.bounds[value])


@on(*INTEGERS, kind=GATHERS, rank=3)
def _scatter(b: Builder, value: int) -> None:
    (n, k, c), dtype = b.shape(value), b.type(value).dtype
    w = b.draw(st.integers(1, min(k, 2)))
    indices = _indices(b, n, lambda: b.random.permutation(k)[:w])
    alike = [v for v in b.values if b.type(v) == TensorType((n, w, c), dtype)]
    put = b.draw(st.sampled_from(alike)) if alike else b.data((n, w, c), dtype, b.bounds[value])
    (low, high), (least, most) = b.bounds[value], b.bounds[put]
    b.op("SCATTER", (value, indices, put), (n, k, c), dtype, (min(low, least), max(high, most)))


def _indices(b: Builder, rows: int, row: Callable[[], np.ndarray]) -> int:
    """[rows, W]: the same ones in every row, written out or by a TILE, or others."""
    kind = b.draw(st.sampled_from(["same", "tiled", "others"]))
    if kind == "others":
        drawn = np.stack([row() for _ in range(rows)])
        return b.parameter(drawn, "INT32", drawn.shape)
    drawn = row()[None]
    if kind == "same":
        return b.parameter(drawn, "INT32", (rows, drawn.size))
    one = b.parameter(drawn, "INT32", drawn.shape)
    return b.op("TILE", (one,), (rows, drawn.size), "INT32", (0, int(drawn.max())), multiples=(rows, 1))
