"""Products and sums with a constant for each channel, as ExecuTorch lowers them."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from search_space.ir.graph import TensorType
from support.random.elementwise.prelus import rescale
from velatune.testing.program import Program
from velatune.testing.random.builder import Builder, wide_shapes
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read

CHANNEL_CONSTANTS: Kind = []


def with_constants(
    p: Program, x: int, op: str, constants: Sequence[int], zeros: tuple[int, int] = (3, -128), scale: float = 1.01,
    swapped: bool = False, moved: bool = False,
) -> int:  # fmt: skip
    """x op constant, rescaled to int8. zeros: of x and of the constants. moved: the constants' dimension is another one
    before."""
    shape = p.shape(x)
    flat = (1,) * (len(shape) - 1) + shape[-1:]
    each = p.data(np.array(constants).reshape((-1, 1) if moved else flat), "INT8")
    up, other = (1.0, 1.0) if op == "MUL" else (2.0**19, 0.3 * 2.0**19)
    second = rescale(p, each, "INT32", other, zeros[1], 0)
    wide = [rescale(p, x, "INT32", up, zeros[0], 0), p.reshape(second, *flat) if moved else second]
    more = (p.data(0, "INT8"),) if op == "MUL" else ()
    inner = p.op(op, (*(wide[::-1] if swapped else wide), *more), shape, "INT32")
    return rescale(p, inner, "INT8", scale / (100.0 if op == "MUL" else up), 0, -9)


@on("INT8", kind=CHANNEL_CONSTANTS)
def _with_constants(b: Builder, value: int) -> None:
    shape = b.draw(wide_shapes(b.draw(st.integers(1, 4))))
    if b.shape(value)[-1] == 1 or b.chance(2):
        value = b.input(TensorType((*shape[:-1], shape[-1] + 1), "INT8"))
    constants = b.random.integers(-128, 128, b.shape(value)[-1]).tolist()
    p = Program(b.nodes, b.inputs)
    zeros = b.draw(st.sampled_from([(3, -128), (-128, 0), (0, 17)]))
    op = b.draw(st.sampled_from(["ADD", "MUL", "SUB"]))
    result = with_constants(p, value, op, constants, zeros, 1.01, b.draw(st.booleans()), b.draw(st.booleans()))
    for node_id in range(max(b.bounds) + 1, len(b.nodes)):
        b.bounds[node_id] = -(1 << 30), 1 << 30
    b.bounds[result] = -128, 127
    b.values.append(result)
    if b.chance(3):
        read(b, result)
