"""TOSA programs of one or few elementwise operators, and inputs from the whole range of their types."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from velatune.testing.program import Program
from workers.checking.check_inputs import CheckInput

SHAPE = (1, 5, 4, 17)

#: A program and how far its INT32 inputs may reach from 0 without leaving what TOSA defines.
Made = tuple[Graph, int]

_SETS = 4


def wide_inputs(graph: Graph, reach: int) -> list[CheckInput]:
    """Random numbers of all magnitudes, with the ends of the range and what is next to 0 among them."""
    random = np.random.default_rng(5)
    sets = []
    for _ in range(_SETS):
        arrays = []
        for node_id in graph.inputs:
            tensor = graph[node_id].type
            low, high = (0, 1) if tensor.dtype == "BOOL" else integer_range(tensor.dtype)
            if tensor.dtype == "INT32":
                low, high = max(low, -reach), min(high, reach - 1)
            values = random.integers(low, high + 1, tensor.shape) >> random.integers(0, 31, tensor.shape)
            ends = random.choice([low, high, 0, 1, -1], tensor.shape)
            values = np.where(random.random(tensor.shape) < 0.2, ends, values).clip(low, high)
            arrays.append(values.astype(NUMPY[tensor.dtype]))
        sets.append(CheckInput("random", tuple(arrays)))
    return sets


def everywhere() -> Iterator[tuple[str, Made]]:
    """What U55, U65 and U85 all compute."""
    for op in ("ADD", "SUB"):
        for shape in (SHAPE, (1, 1, 4, 17), (1, 1, 1, 17), (1, 5, 1, 1), (1, 1, 1, 1)):
            yield f"{op} {shape}", _binary(op, shape, 1 << 30)
            yield f"{op} {shape} swapped", _binary(op, shape, 1 << 30, swapped=True)
        yield f"{op} of a constant", _constant(op, 1 << 30)
        yield f"{op} to a constant", _constant(op, 1 << 30, swapped=True)
        for dtype, fixed in (("INT8", 19), ("INT16", 14)):
            for swapped in (False, True):
                for shape in (SHAPE, (1, 5, 1, 17)):
                    name = f"{op} of scaled {dtype} {shape} {'swapped' * swapped}"
                    scales = (1932735283, 32 - fixed), (1 << 30, 30 - fixed)
                    yield name, _scaled_sum(op, dtype, shape, swapped, *scales)
                    yield f"{name} by an integer", _scaled_sum(op, dtype, shape, swapped, (3 << 20, 20), (3 << 20, 20))
    for op in ("MAXIMUM", "MINIMUM"):
        yield op, _binary(op, SHAPE, 1 << 31, nan_mode="PROPAGATE")
        yield f"{op} of a column", _binary(op, (1, 5, 1, 1), 1 << 31, swapped=True, nan_mode="PROPAGATE")
    for shift in (0, 1, 16, 31):
        yield f"MUL of INT32, shift {shift}", _product("INT32", shift, 1 << min(31, (30 + shift) // 2))
    for dtype in ("INT8", "INT16"):
        yield f"MUL of {dtype}", _product(dtype, 0, 1)
        for to in ("INT8", "INT16"):
            for double in (False, True):
                yield f"MUL of {dtype}, rescaled to {to} {double}", _rescaled_product(dtype, to, double)
    for op in ("CLZ", "ABS"):
        yield op, _unary(op, (1 << 31) - 1)
    for rounds in (False, True):
        yield f"ARITHMETIC_RIGHT_SHIFT {rounds}", _shift("ARITHMETIC_RIGHT_SHIFT", "INT32", round=rounds)
    yield "LOGICAL_LEFT_SHIFT", _shift("LOGICAL_LEFT_SHIFT", "INT32")
    for dtype in ("INT8", "INT16", "INT32"):
        yield f"NEGATE of {dtype}", _negation(dtype)
    for to in ("INT8", "INT16"):
        for double in (False, True):
            for shift in (30, 31, 32, 45, 62):
                yield f"RESCALE of INT32 to {to}, shift {shift} {double}", _rescale("INT32", to, shift, double)
    for source, to in (("INT8", "INT8"), ("INT8", "INT16"), ("INT16", "INT8"), ("INT16", "INT16")):
        for double in (False, True):
            yield f"RESCALE of {source} to {to} {double}", _rescale(source, to, 38, double)


def on_u85() -> Iterator[tuple[str, Made]]:
    """What U85 computes beside that."""
    for dtype in ("INT8", "INT16", "INT32"):
        for op in ("BITWISE_AND", "BITWISE_OR", "BITWISE_XOR"):
            yield f"{op} of {dtype}", _binary(op, (1, 5, 1, 17), 1 << 31, dtype)
        yield f"BITWISE_NOT of {dtype}", _unary("BITWISE_NOT", 1 << 31, dtype)
        for op in ("LOGICAL_LEFT_SHIFT", "LOGICAL_RIGHT_SHIFT"):
            yield f"{op} of {dtype}", _shift(op, dtype)
        for rounds in (False, True):
            name = f"ARITHMETIC_RIGHT_SHIFT of {dtype} {rounds}"
            yield name, _shift("ARITHMETIC_RIGHT_SHIFT", dtype, round=rounds)
        yield f"SELECT of {dtype}", _select(dtype)
    for op in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_XOR"):
        yield op, _binary(op, (1, 1, 4, 17), 1, "BOOL")
    yield "LOGICAL_NOT", _unary("LOGICAL_NOT", 1, "BOOL")
    for op in ("EQUAL", "GREATER", "GREATER_EQUAL"):
        yield op, _binary(op, SHAPE, 1 << 31, result="BOOL")
        yield f"{op} of scaled values", _scaled(op, "BOOL")
    for op in ("MAXIMUM", "MINIMUM"):
        yield f"{op} of scaled values", _scaled(op, "INT32", nan_mode="PROPAGATE")
    yield "INTDIV", _quotient()
    yield "broadcast both ways", _crossed()
    for source in ("INT8", "INT16", "INT32"):
        yield f"RESCALE of {source} to INT32", _rescale(source, "INT32", 33, True)


def _binary(
    op: str, shape: Shape, reach: int, dtype: str = "INT32", swapped: bool = False, result: str | None = None,
    **attributes: str,
) -> Made:  # fmt: skip
    p = Program()
    operands = p.input(*SHAPE, dtype=dtype), p.input(*shape, dtype=dtype)
    return p.graph(p.op(op, operands[::-1] if swapped else operands, SHAPE, result or dtype, **attributes)), reach


def _constant(op: str, reach: int, swapped: bool = False) -> Made:
    p = Program()
    operands = p.input(*SHAPE, dtype="INT32"), p.data([[[[-77]]]], "INT32")
    return p.graph(p.op(op, operands[::-1] if swapped else operands, SHAPE)), reach


def _unary(op: str, reach: int, dtype: str = "INT32") -> Made:
    p = Program()
    return p.graph(p.op(op, (p.input(*SHAPE, dtype=dtype),), SHAPE)), reach


def _scaled_sum(
    op: str, dtype: str, shape: Shape, swapped: bool, scale: tuple[int, int], other: tuple[int, int]
) -> Made:  # fmt: skip
    """A sum of values that are scaled, and scaled back."""
    p = Program()
    zero_points = (-9, 100) if dtype == "INT8" else (0, 0)
    first = p.rescale_by(p.input(*SHAPE, dtype=dtype), "INT32", *scale, zero_in=zero_points[0])
    second = p.rescale_by(p.input(*shape, dtype=dtype), "INT32", *other, zero_in=zero_points[1])
    total = p.op(op, (second, first) if swapped else (first, second), SHAPE, "INT32")
    zero_out = 3 if dtype == "INT8" else 0
    return p.graph(p.rescale_by(total, dtype, 1288490189, 50 if scale[0] > 1 << 30 else 33, zero_out=zero_out)), 1


def _product(dtype: str, shift: int, reach: int) -> Made:
    p = Program()
    operands = p.input(*SHAPE, dtype=dtype), p.input(1, 5, 1, 17, dtype=dtype), p.data(shift, "INT8")
    return p.graph(p.op("MUL", operands, SHAPE, "INT32")), reach


def _rescaled_product(dtype: str, to: str, double: bool) -> Made:
    p = Program()
    operands = p.input(*SHAPE, dtype=dtype), p.input(*SHAPE, dtype=dtype), p.data(0, "INT8")
    product = p.op("MUL", operands, SHAPE, "INT32")
    bits = {"INT8": 14, "INT16": 30}[dtype] - {"INT8": 7, "INT16": 15}[to]
    zero_out = 5 if to == "INT8" else 0
    return p.graph(p.rescale_by(product, to, 1288490189, 31 + bits, zero_out=zero_out, double=double)), 1


def _shift(op: str, dtype: str, **attributes: bool) -> Made:
    p = Program()
    amounts = p.random.integers(0, int(dtype[3:]), SHAPE)
    return p.graph(p.op(op, (p.input(*SHAPE, dtype=dtype), p.data(amounts, dtype)), SHAPE, **attributes)), 1 << 31


def _negation(dtype: str) -> Made:
    p = Program()
    zero_points = [p.data(zero if dtype == "INT8" else 0, dtype) for zero in (-100, 30)]
    return p.graph(p.op("NEGATE", (p.input(*SHAPE, dtype=dtype), *zero_points), SHAPE)), (1 << 31) - 1


def _rescale(source: str, to: str, shift: int, double: bool) -> Made:
    p = Program()
    multipliers = [int(one) for one in p.random.integers(1 << 30, 1 << 31, SHAPE[-1])]
    x = p.input(*SHAPE, dtype=source)
    zero_in, zero_out = (-100 if source == "INT8" else 0), (30 if to == "INT8" else 0)
    results = (
        p.rescale_by(x, to, scale, shift, zero_in, zero_out, double) for scale in (multipliers, multipliers[0], 1 << 30)
    )
    # A value must be below 2^(shift - 1), and the scaled one of INT32.
    return p.graph(*results), 1 << min(shift - 1, 30)


def _select(dtype: str) -> Made:
    p = Program()
    condition = p.input(1, 5, 4, 1, dtype="BOOL")
    operands = condition, p.input(*SHAPE, dtype=dtype), p.input(1, 1, 1, 17, dtype=dtype)
    return p.graph(p.op("SELECT", operands, SHAPE, dtype)), 1 << 31


def _scaled(op: str, result: str, **attributes: str) -> Made:
    p = Program()
    first = p.rescale_by(p.input(*SHAPE), "INT32", 1932735283, 29, zero_in=-9)
    second = p.rescale_by(p.input(*SHAPE), "INT32", 1503238554, 29, zero_in=100)
    return p.graph(p.op(op, (first, second), SHAPE, result, **attributes)), 1


def _quotient() -> Made:
    p = Program()
    divisors = p.random.choice([1, -1, 2, -3, 7, (1 << 31) - 1, -(1 << 31)], SHAPE)
    return p.graph(p.op("INTDIV", (p.input(*SHAPE, dtype="INT32"), p.data(divisors, "INT32")), SHAPE)), (1 << 31) - 1


def _crossed() -> Made:
    p = Program()
    operands = p.input(1, 5, 1, 17, dtype="INT32"), p.input(1, 1, 4, 17, dtype="INT32")
    return p.graph(p.op("SUB", operands, SHAPE)), 1 << 30
