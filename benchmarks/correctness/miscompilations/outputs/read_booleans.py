"""A BOOL output that an operation reads too."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import FeatureMap
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _REDUCED = (4, 6, 8), (4, 6, 1)


def _compared(p: Program, reader: str = "SELECT", copied: bool = False) -> tuple[int, int]:
    """Where one value is greater than another, and what `reader` makes of that. copied: given out by a LOGICAL_AND."""
    first, second = p.input(*_SHAPE, dtype="INT32"), p.input(*_SHAPE, dtype="INT32")
    greater = p.op("GREATER", (first, second), _SHAPE, "BOOL")
    if reader == "SELECT":
        result = p.op(reader, (greater, first, second), _SHAPE, "INT32")
    else:
        result = p.op(reader, (greater,), _REDUCED, axis=2)
    return p.op("LOGICAL_AND", (greater, greater), _SHAPE) if copied else greater, result


def _given_out_by_identity(p: Program) -> tuple[int, int]:
    greater, result = _compared(p, "REDUCE_ALL")
    return p.op("IDENTITY", (greater,), _SHAPE, "BOOL"), result


def _transposed(p: Program) -> tuple[int, int]:
    """The output is transposed before REDUCE_ALL reads it."""
    first, second = p.input(*_SHAPE, dtype="INT32"), p.input(*_SHAPE, dtype="INT32")
    greater = p.op("GREATER", (first, second), _SHAPE, "BOOL")
    return greater, p.op("REDUCE_ALL", (p.transpose(greater, 2, 0, 1),), (8, 4, 1), axis=2)


def _place(tensor: FeatureMap) -> tuple[int, int]:
    return tensor.region, tensor.addresses[0]


def _observe(compiled: Compiled) -> Observed:
    """What is read of the first output once it is written."""
    output, operations = compiled.outputs[0], computing(compiled)
    place = output.region, output.address
    writers = [at for at, one in enumerate(operations) if one.ofm and one.ofm.addresses and _place(one.ofm) == place]
    readers = [
        one
        for one in operations[writers[-1] + 1 :]
        if any(read and read.addresses and _place(read) == place for read in (one.ifm, one.ifm2))
    ]
    by = operations[writers[-1]].mode
    names = ", ".join(str(one.mode or one.kind) for one in readers)
    return Observed(bool(readers), f"{by} writes the output; read by {names}" if readers else f"{by} writes the output")


MISCOMPILATION = Miscompilation(
    name="read-booleans",
    summary="A BOOL output that SELECT or a reduction reads too is read as 1 where -1 is meant.",
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_compared,
    others={
        "REDUCE_ALL": lambda p: _compared(p, "REDUCE_ALL"),
        "REDUCE_ANY": lambda p: _compared(p, "REDUCE_ANY"),
        "an IDENTITY of what is read": _given_out_by_identity,
        "a TRANSPOSE between the output and the reduction": _transposed,
    },
    observe=_observe,
    cause=(
        "The NPU has -1 for true, TOSA has 1. `ConvertBool8Tensors` (compiler/graphir_optimiser.cpp) puts an AND "
        "with 1 before each BOOL output. It gives a new tensor to what computes the value, and leaves the output "
        "to what reads it."
    ),
    effect="REDUCE_ALL is 1 where any operand is, REDUCE_ANY where all are. SELECT takes other values.",
    workaround="An operation between the value and the output, such as a LOGICAL_AND with itself.",
    instead=lambda p: _compared(p, copied=True),
)
