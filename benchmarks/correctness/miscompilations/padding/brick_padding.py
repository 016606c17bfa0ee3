"""A value with less padding to whole bricks in its own shape than in that of its accesses."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, first_wrong, size
from velatune.testing.program import Program
from workers.ethos_u.npu_model.memory.memory import FAST
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _FILLED = (2, 12, 12), (1, 6, 48)


def _summed(p: Program, filled: bool = True) -> tuple[int, int]:
    """A sum over channels of a difference of 12, which is narrowed to int8 and widened in a shape with 48 channels."""
    values = [p.input(*_SHAPE) for _ in range(2)]
    difference = p.op("SUB", tuple(p.rescale(value, "INT32", 1.0) for value in values), _SHAPE, "INT32")
    if filled:
        difference = p.reshape(difference, *_FILLED)
    wide = p.rescale(p.rescale(difference, "INT8", 0.5), "INT32", 1.0)
    if filled:
        wide = p.reshape(wide, *_SHAPE)
    result = p.rescale(p.op("REDUCE_SUM", (wide,), (*_SHAPE[:2], 1), axis=2), "INT8", 0.1)
    return result, p.add(*values)


def _reduced(p: Program) -> int:
    """The largest sum of each row, of sums over channels."""
    sums = p.op("REDUCE_SUM", (p.rescale(p.every_value_by_table(p.input(5, 7, 9)), "INT32", 1.0),), (5, 7, 1), axis=2)
    columns = p.reshape(p.rescale(sums, "INT8", 0.1), 5, 7)
    return p.op("REDUCE_MAX", (columns,), (5, 1), axis=1, nan_mode="PROPAGATE")


def _observe(compiled: Compiled) -> Observed:
    """Where results in bricks end. Ethos-U65 has them in a memory of their own."""
    program = compiled.npu_program
    found = []
    for one in computing(compiled):
        if one.ofm is not None and one.ofm.format == "NHCWB16" and one.ofm.addresses:
            end = one.ofm.addresses[0] + one.ofm.shape[0] * one.ofm.strides[0]
            says = f"{one.mode} writes bricks of {size(one.ofm.shape)} up to byte {end}"
            is_fast = one.ofm.region == FAST and program.fast_bytes is not None
            memory = program.fast_bytes if is_fast else program.arena_bytes
            found.append(Observed(end > (memory or 0), f"{says} of a memory of {memory} bytes"))
    return first_wrong(found or [Observed(False, "nothing is written in bricks")])


MISCOMPILATION = Miscompilation(
    name="brick-padding",
    summary=(
        "A value is written and read in another shape than its own, with fewer channels. It is stored beyond its "
        "tensor."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_summed,
    others={"columns that are reduced as channels": _reduced},
    observe=_observe,
    cause=(
        "`FuseRescale` (compiler/graphir_optimiser.cpp) joins both RESCALEs with the operations around them, which "
        "keep their shapes in their connections. `AllocationSizeBytes` (compiler/scheduler_operation.hpp) rounds the "
        "channels of the tensor's own shape up to bricks of 16. 48 channels need no padding, 12 need a third more. "
        "`RemoveReshape` in the first file gives a tensor the shape after its RESHAPE, such as 7 channels. What "
        "writes it, and a reduction along its last axis, have 7 columns of one channel. Each column is a brick."
    ),
    effect=(
        "The operation writes over what lies after the tensor. That is another value, the operand that it still "
        "reads, or bytes after the arena."
    ),
    workaround=(
        "The RESCALEs in the shape of the operations around them. The reduction before the RESHAPE, where velatune's "
        "`reduce-before-reshape` puts it."
    ),
    instead=lambda p: _summed(p, filled=False),
)
