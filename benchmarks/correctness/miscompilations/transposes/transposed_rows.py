"""A TRANSPOSE of rows and columns with a CLAMP, read by an operation with two operands."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _PERMS, _TRANSPOSED = (1, 32, 8, 64), (0, 2, 1, 3), (1, 8, 32, 64)


def _sum(p: Program, first: bool = False) -> int:
    """first: with the CLAMP before the TRANSPOSE."""
    value = p.input(*_SHAPE)

    def clamped(value: int) -> int:
        return p.clamp(value, -20, 100)

    moved = p.transpose(clamped(value), *_PERMS) if first else clamped(p.transpose(value, *_PERMS))
    return p.add(moved, p.input(*_TRANSPOSED))


def _observe(compiled: Compiled) -> Observed:
    """How many blocks the sum may be ahead."""
    found = hazards(compiled.npu_program, decode(compiled.command_stream))
    last = computing(compiled)[-1]
    return Observed(bool(found), f"{last.kind} with BLOCKDEP {last.blockdep} after the TRANSPOSE")


MISCOMPILATION = Miscompilation(
    name="transposed-rows",
    summary=(
        "A CLAMP or TABLE is fused to a TRANSPOSE of rows and columns. What reads the result can start before that is "
        "written."
    ),
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_sum,
    observe=_observe,
    cause=(
        "Where an OFM and the IFM that it becomes differ in shape, `EthosU55RCSGenerator::CalcBlockDep` "
        "(architecture/ethosu55/ethos_u55_register_cs_generator.cpp) sets BLOCKDEP to 0. It takes the OFM of the last "
        "operation that is fused, which has the transposed shape. It then compares blocks of the TRANSPOSE with those "
        "of the IFM. The former's rows are the OFM's columns."
    ),
    effect=(
        "The operation after it reads its first blocks while blocks that belong to them are still being computed. "
        "Which shapes and operations it happens to depends on the blocks that Vela chooses. On Ethos-U85 there is "
        "transposed-blocks."
    ),
    workaround="The activation before the TRANSPOSE.",
    instead=lambda p: _sum(p, first=True),
)
