"""PReLU as ExecuTorch lowers it: RESCALEs of max(x, 0) and of an int8 product of min(x, 0) and the slopes, added up."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from velatune.testing.program import Program
from velatune.testing.random.builder import Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read

PRELUS: Kind = []


@dataclass(frozen=True)
class Scales:
    """Of quantised values, where x has the scale 1: reals are scale * (value - zero)."""

    slope_zero: int
    slope: float
    product_zero: int
    product: float
    result_zero: int
    result: float


def scales_of(slopes: np.ndarray, zero: int) -> Scales:
    """Such that the slopes, their products with what is below zero, and the result fill their types."""

    def fill(low: float, high: float) -> tuple[int, float]:
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / 255, 1e-3)
        return int(np.clip(round(-128 - low / scale), -128, 127)), scale

    products = slopes[:, None] * np.arange(-128 - zero, 1)
    return Scales(
        *fill(slopes.min(), slopes.max()),
        *fill(products.min(), products.max()),
        *fill(products.min(), max(127 - zero, products.max())),
    )


def prelu(p: Program, x: int, slopes: np.ndarray, zero: int, swapped: bool = False) -> int:
    """x: int8 value with one slope for each of its channels."""
    s = scales_of(slopes, zero)
    shape = p.shape(x)
    quantised = np.clip((slopes / s.slope).round() + s.slope_zero, -128, 127)
    slope = p.data(quantised.reshape((1,) * (len(shape) - 1) + (-1,)), "INT8")
    above = rescale(p, p.clamp(x, zero, 127), "INT32", 2.0**19, zero, 0)
    below = rescale(p, p.clamp(x, -128, zero), "INT32", 1.0, zero, 0)
    factors = rescale(p, slope, "INT32", 1.0, s.slope_zero, 0)
    order = (factors, below) if swapped else (below, factors)
    times = p.op("MUL", (*order, p.data(0, "INT8")), shape, "INT32")
    product = rescale(p, times, "INT8", s.slope / s.product, 0, s.product_zero)
    back = rescale(p, product, "INT32", s.product * 2.0**19, s.product_zero, 0)
    total = p.op("ADD", (back, above) if swapped else (above, back), shape, "INT32")
    return rescale(p, total, "INT8", 1 / s.result / 2.0**19, 0, s.result_zero)


def rescale(p: Program, value: int, dtype: str, scale: float, zero_in: int, zero_out: int) -> int:
    shift = 30
    while scale < 0.5:
        scale, shift = scale * 2, shift + 1
    while scale >= 1.5:
        scale, shift = scale / 2, shift - 1
    source = p.nodes[value].type
    operands = (
        p.data(int(scale * (1 << 30)), "INT32"), p.data(shift, "INT8"),
        p.data(zero_in, source.dtype), p.data(zero_out, dtype),
    )  # fmt: skip
    return p.op(
        "RESCALE", (value, *operands), source.shape, dtype, scale32=True, rounding_mode="SINGLE_ROUND",
        per_channel=False, input_unsigned=False, output_unsigned=False,
    )  # fmt: skip


@on("INT8", kind=PRELUS)
def _prelu(b: Builder, value: int) -> None:
    low = b.draw(st.sampled_from([0.0, 0.1, -0.5]))
    high = low + b.draw(st.sampled_from([0.2, 0.9, 1.5]))
    slopes = b.random.uniform(low, high, b.shape(value)[-1])
    p = Program(b.nodes, b.inputs)
    before = len(b.nodes)
    result = prelu(p, value, slopes, b.draw(st.sampled_from([-128, -3, 0, 90, 127])), b.draw(st.booleans()))
    for node_id in range(before, len(b.nodes)):
        if b.nodes[node_id].op != "CONST":
            b.bounds[node_id] = -(1 << 30), 1 << 30
    b.bounds[result] = -128, 127
    b.values.append(result)
    if b.chance(3):
        read(b, result)
