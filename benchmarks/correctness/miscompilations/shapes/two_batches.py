"""Windows over two batches, and weights that are copied to where these were."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (2, 8, 16, 16)
_ROW = (1, 1, 64, 16)


def _pooled(p: Program, in_rows: bool = False) -> int:
    """in_rows: with the batches below each other, as one."""
    whole = p.mul(p.input(*_SHAPE), p.input(*_SHAPE))
    if in_rows:
        whole = p.reshape(whole, 1, 16, 16, 16)
    return p.conv(p.conv(p.reshape(p.max_pool(whole, 2), *_ROW), 40), 8)


def _convolved(p: Program) -> int:
    whole = p.mul(p.input(2, 8, 8, 16), p.input(2, 8, 8, 16))
    row = p.reshape(p.conv(whole, 8, kernel=(3, 3)), 1, 1, 128, 8)
    return p.conv(p.reshape(p.conv(row, 10), 1, 16, 8, 10), 8)


def _observe(compiled: Compiled) -> Observed:
    found = hazards(compiled.npu_program, decode(compiled.command_stream))
    return Observed(bool(found), f"writes to what an operation may not have read yet: {len(found)}")


MISCOMPILATION = Miscompilation(
    name="two-batches",
    summary="What an operator of two batches reads can be overwritten too early, for lack of a wait.",
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_pooled,
    others={"a CONV2D": _convolved},
    observe=_observe,
    cause=(
        "`ToMemoryAccess` (architecture/ethosu55/ethos_u55_register_cs_generator.cpp) notes which memory an operation "
        "reads and writes, so that later copies wait. It takes the end from the coordinates of the last element. But "
        "it takes the number of the batch one too high: 1 is subtracted from rows, columns and channels alone. For "
        "the last of N batches, that number modulo N is 0. So the end is that of the first batch. Of two batches, the "
        "second begins there, so that it is noted as empty. Of more batches, the end lies before the beginning, and "
        "the whole tensor is noted. Ethos-U85 has the same function, but copies no weights in these programs."
    ),
    effect=(
        "The copy of weights for a later operator can start while the second batch is still being read. It overwrites "
        "that batch then. Whether it comes to that depends on the time that each takes."
    ),
    workaround="The batches below each other, as rows of one.",
    instead=lambda p: _pooled(p, in_rows=True),
)
