"""A sliced first operand of MATMUL."""

from __future__ import annotations

from math import prod

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, last_byte
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_BATCHES, _ROWS, _COLUMNS = 2, 10, 24
_MATRIX = _ROWS * _COLUMNS


def _qkv(p: Program) -> int:
    """The second of three, each of two matrices, as attention slices a fused projection."""
    whole = p.input(3, 1, _BATCHES, _ROWS, _COLUMNS)
    part = p.slice(whole, (1, 0, 0, 0, 0), (1, 1, _BATCHES, _ROWS, _COLUMNS))
    return p.reshape(part, _BATCHES, _ROWS, _COLUMNS)


def _product(p: Program, copied: bool = False) -> int:
    part = _qkv(p)
    return p.matmul(p.every_value_by_table(part) if copied else part, p.input(_BATCHES, _COLUMNS, 7))


def _observe(compiled: Compiled) -> Observed:
    """What operations read of the tensor that the slice is a part of."""
    whole = max(compiled.inputs, key=lambda tensor: prod(tensor.shape))
    ends = whole.address, whole.address + prod(whole.shape)
    read = set()
    for one in computing(compiled):
        for operand in filter(None, (one.ifm, one.ifm2)):
            if operand.region == whole.region and operand.addresses and ends[0] <= operand.addresses[0] < ends[1]:
                read.add((operand.addresses[0] - ends[0], last_byte(operand) - ends[0]))
    parts = ", ".join(f"{first} to {end}" for first, end in sorted(read))
    wanted = _BATCHES * _MATRIX, 2 * _BATCHES * _MATRIX
    wrong = min(first for first, _ in read) > wanted[0] or max(end for _, end in read) < wanted[1]
    return Observed(wrong, f"reads bytes {parts} of the unsliced tensor; the slice is bytes {wanted[0]} to {wanted[1]}")


MISCOMPILATION = Miscompilation(
    name="sliced-matmul",
    summary=(
        "The first operand of a MATMUL of several batches is a SLICE. Every batch reads the same part of the unsliced "
        "tensor."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_product,
    observe=_observe,
    cause=(
        "`MoveSplitSliceToConsumer` (compiler/graphir_optimiser.cpp) lets MATMUL read the slice in place. Ethos-U55 "
        "and U65: `EthosU55RCSGenerator::InsertMatMulCommand` "
        "(architecture/ethosu55/ethos_u55_register_cs_generator.cpp) compares the size of its scratch tensor with "
        "`inFM0.shape`. That is the shape of the unsliced tensor. It then computes one batch at a time. From batch to "
        "batch it moves `ifm1Start` and `ofmStart`, and not `ifm0Start`. It ignores offsets along rows and columns; "
        "the assertion that there are none is not compiled in. Ethos-U85: `DecomposeMatmul` "
        "(compiler/scheduler_decompose.cpp) takes the axis of the batch from the rank of the result. In a slice of "
        "five dimensions that axis has size 1, and `DecomposeLargeAxis` does not move along it."
    ),
    effect=(
        "All batches but the first are products of the first one's matrix. On Ethos-U55 and U65, slices along rows "
        "and columns are wrong too. Products of a slice of columns can be written past the end of the scratch tensor."
    ),
    workaround=(
        "An operation between SLICE and MATMUL gives the operand a tensor of its own. A TABLE with every value at its "
        "own place is one. velatune's `copy-sliced-operand` puts one there."
    ),
    instead=lambda p: _product(p, copied=True),
)
