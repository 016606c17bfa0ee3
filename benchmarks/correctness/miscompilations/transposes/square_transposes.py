"""A TRANSPOSE of rows and as many columns, and what reads its result."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import Compiled

_SIZE, _PERMS = 8, (0, 2, 1, 3)
_MATRIX = 6


def _rescaled(p: Program, first: bool = False) -> int:
    """first: with the RESCALE before the TRANSPOSE."""
    value = p.input(1, _SIZE, _SIZE, _SIZE)
    if first:
        return p.transpose(p.rescale(value, "INT8", 0.5), *_PERMS)
    return p.rescale(p.transpose(value, *_PERMS), "INT8", 0.5)


def _product(p: Program) -> int:
    """Vela transposes the second operand once more."""
    moved = p.transpose(p.input(1, _MATRIX, _MATRIX, 1), *_PERMS)
    return p.matmul(p.input(1, _MATRIX, _MATRIX), p.reshape(moved, 1, _MATRIX, _MATRIX))


def _observe(compiled: Compiled) -> Observed:
    """How many blocks the operation after the TRANSPOSE may be ahead."""
    operations = computing(compiled)
    early = {one.offset for one in hazards(compiled.npu_program, decode(compiled.command_stream))}
    after = next((one for one in operations if one.offset in early), operations[-1])
    return Observed(bool(early), f"{after.kind} with BLOCKDEP {after.blockdep} after the TRANSPOSE")


MISCOMPILATION = Miscompilation(
    name="square-transposes",
    summary="What reads the TRANSPOSE of a square image can start before that is written.",
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_rescaled,
    others={"MATMUL of the result": _product},
    observe=_observe,
    cause=(
        "Behind most TRANSPOSEs, `EthosU55RCSGenerator::CalcBlockDep` "
        "(architecture/ethosu55/ethos_u55_register_cs_generator.cpp) sets BLOCKDEP to 0. One of rows and columns is "
        "left out there. An OFM and an IFM of other shapes are distinguished further on. Where there are as many rows "
        "as columns the shapes are the same. The blocks that are then compared are blocks of the TRANSPOSE, whose rows "
        "are columns of the OFM."
    ),
    effect=(
        "The operation after it reads its first blocks while blocks that belong to them are still being computed. "
        "Which sizes it happens to depends on the blocks that Vela chooses."
    ),
    workaround="The operation before the TRANSPOSE; of a product, MATMULs of single rows.",
    instead=lambda p: _rescaled(p, first=True),
)
