"""Indices that are overwritten while a copy reads them."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import Compiled


def _gathered(p: Program, copied: bool = False) -> tuple[int, ...]:
    """Two gathers, whose indices are computed one after the other in the same memory."""
    zero = p.data([[0]], "INT32")
    results = []
    for count in (4, 6):
        indices = p.data([[0]] * count, "INT32") if copied else p.op("TILE", (zero,), (count, 1), multiples=(count, 1))
        results.append(p.gather(p.input(count, 1, 1), indices))
    return tuple(results)


def _observe(compiled: Compiled) -> Observed:
    found = hazards(compiled.npu_program, decode(compiled.command_stream))
    return Observed(bool(found), f"writes to what a copy may not have read yet: {len(found)}")


MISCOMPILATION = Miscompilation(
    name="overwritten-indices",
    summary="Indices of a GATHER or SCATTER can be overwritten before they are read, for lack of a wait.",
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_gathered,
    observe=_observe,
    cause=(
        "`EthosU85RCSGenerator::GenerateDMA` (architecture/ethosu85/ethos_u85_register_cs_generator.cpp) notes which "
        "memory a copy reads, so that later operations wait with writing to it. It counts the indices, of four bytes "
        "each, as one byte each."
    ),
    effect=(
        "An operation after the gather can start while the copy still reads indices. It can write into the last three "
        "quarters of them. Whether it comes to that depends on the time that each takes."
    ),
    workaround="None is known. With indices that are constants nothing is wrong.",
    instead=lambda p: _gathered(p, copied=True),
)
