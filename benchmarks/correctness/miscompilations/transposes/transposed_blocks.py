"""A TRANSPOSE with an activation, and what reads its result."""

from __future__ import annotations

from itertools import pairwise

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _PERMS = (1, 16, 64, 16), (0, 2, 1, 3)


def _convolution(p: Program, activation: str = "CLAMP", first: bool = False) -> int:
    """first: with the activation before the TRANSPOSE."""
    value = p.input(*_SHAPE)

    def activated(value: int) -> int:
        return p.clamp(value, -20, 100) if activation == "CLAMP" else p.table(value)

    moved = p.transpose(activated(value), *_PERMS) if first else activated(p.transpose(value, *_PERMS))
    return p.conv(moved, 64)


def _observe(compiled: Compiled) -> Observed:
    """How many blocks the operation after the transposed OFM may be ahead."""
    operations = computing(compiled)
    for before, one in pairwise(operations):
        if before.ofm is not None and before.ofm.transpose != "HWC":
            found = hazards(compiled.npu_program, decode(compiled.command_stream))
            says = f"{one.kind} with BLOCKDEP {one.blockdep} after an OFM that is transposed to {before.ofm.transpose}"
            return Observed(bool(found), says)
    return Observed(False, "no transposed OFM")


MISCOMPILATION = Miscompilation(
    name="transposed-blocks",
    summary="A CLAMP or TABLE is fused to a TRANSPOSE. What reads the result can start before that is written.",
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_convolution,
    others={"TABLE": lambda p: _convolution(p, "TABLE")},
    observe=_observe,
    cause=(
        "Behind a transposed OFM, `EthosU85RCSGenerator::CalcBlockDep` "
        "(architecture/ethosu85/ethos_u85_register_cs_generator.cpp) sets BLOCKDEP to 0. It does not know where the "
        "blocks of such an OFM lie. It takes the OFM of the last operation that is fused. The transpose is noted with "
        "the OFM of the first one. BLOCKDEP is then computed as if there were no transpose."
    ),
    effect=(
        "The operation after it reads its first blocks while blocks that belong to them are still being computed. "
        "Whether it comes to that depends on the time that each takes."
    ),
    workaround="The activation before the TRANSPOSE.",
    instead=lambda p: _convolution(p, first=True),
)
