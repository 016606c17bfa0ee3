"""An elementwise operation whose first operand has one element."""

from __future__ import annotations

from math import prod

import numpy as np

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, last_byte, size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _FLAT = (1, 2, 3, 4, 5), (6, 4, 5)


def _from_a_number(p: Program, flat: bool = False) -> int:
    """A number less a tensor of five dimensions. flat: of three, by RESHAPEs."""
    value = p.input(*_SHAPE, dtype="INT32")
    shape = _FLAT if flat else _SHAPE
    number = p.data(np.full((1,) * len(shape), 7), "INT32")
    result = p.op("SUB", (number, p.reshape(value, *shape) if flat else value), shape)
    return p.reshape(result, *_SHAPE) if flat else result


def _sum(p: Program) -> int:
    """As ExecuTorch writes it, of int8 values."""
    return p.add(p.input(*(1,) * len(_SHAPE)), p.input(*_SHAPE))


def _observe(compiled: Compiled) -> Observed:
    """Whether the elements of the first feature map have room."""
    (one,) = (one for one in computing(compiled) if one.ifm2 is not None)
    ifm = one.ifm
    assert ifm is not None
    if not ifm.addresses:
        return Observed(False, f"{one.mode} of the number {ifm.scalar}")
    length, needed = last_byte(ifm) - ifm.addresses[0], prod(ifm.shape) * ifm.element_bytes
    says = f"{one.mode} reads an IFM of {size(ifm.shape)}, of {needed} bytes, from {length} bytes"
    return Observed(length < needed, says)


MISCOMPILATION = Miscompilation(
    name="scalar-operand",
    summary=(
        "An elementwise operation is decomposed, since it has five dimensions or more. It reads a first operand of "
        "one element as if it had them all."
    ),
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_from_a_number,
    others={"ADD of int8 values": _sum},
    observe=_observe,
    cause=(
        "Only IFM2 can be repeated. `EthosU55RCSGenerator::GenerateElementwiseOp` "
        "(architecture/ethosu55/ethos_u55_register_cs_generator.cpp) exchanges the operands if the first shape is a "
        "part of the second. (See `Shape::IsSubShapeOf` in common/shape.hpp.) The second one cannot have fewer "
        "dimensions. With too many dimensions, `ReshapeElementwise` (compiler/scheduler_decompose.cpp) has merged "
        "those of the second operand to four or fewer. It has left those of the first one. A constant of 8 or 16 bits "
        "is right."
    ),
    effect=(
        "All of the shape is read from the one element on, at strides of one element. The other operand's first "
        "element is taken for all of it."
    ),
    workaround="The operation in three dimensions, between RESHAPEs. Vela removes both.",
    instead=lambda p: _from_a_number(p, flat=True),
)
