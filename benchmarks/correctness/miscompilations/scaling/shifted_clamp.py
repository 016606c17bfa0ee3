"""CLAMP or TABLE of a shift."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 5, 8)
_RANGE = (-20, 50)


def _shifted(p: Program, op: str = "LOGICAL_LEFT_SHIFT") -> int:
    return p.op(op, (p.input(*_SHAPE), p.data([[[[2]]]], "INT8")), _SHAPE)


def _clamped(p: Program, op: str = "LOGICAL_LEFT_SHIFT", copied: bool = False) -> int:
    shifted = _shifted(p, op)
    return p.clamp(p.max_pool(shifted, 1) if copied else shifted, *_RANGE)


def _observe(compiled: Compiled) -> Observed:
    found = []
    for one in computing(compiled):
        assert one.activation is not None
        if one.activation.function == "lut":
            return Observed(True, f"{one.mode} by way of a look-up table, without a clip to the table's indices")
        found.append((one.activation.low, one.activation.high))
    kinds = ", ".join(str(one.mode or one.kind) for one in computing(compiled))
    clips = ", ".join(f"{low} to {high}" for low, high in found)
    return Observed(_RANGE not in found, f"{kinds} with a clip of {clips}; CLAMP's is {_RANGE[0]} to {_RANGE[1]}")


MISCOMPILATION = Miscompilation(
    name="shifted-clamp",
    summary=(
        "CLAMP of LOGICAL_LEFT_SHIFT or LOGICAL_RIGHT_SHIFT is left out. A TABLE is asked for what the type of the "
        "shift does not hold."
    ),
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_clamped,
    others={
        "CLAMP of LOGICAL_RIGHT_SHIFT": lambda p: _clamped(p, "LOGICAL_RIGHT_SHIFT"),
        "TABLE of LOGICAL_LEFT_SHIFT": lambda p: p.table(_shifted(p)),
    },
    observe=_observe,
    cause=(
        "A shift must not saturate, and `ConvertAttributes` (compiler/graphir_optimiser.cpp) marks it so with the "
        "widest limits. `SchedulerPacking::PackOperations` (compiler/scheduler_packing.cpp) fuses the CLAMP, and then "
        "keeps the mark instead of the limits of the CLAMP. `EthosU85OpGroup::Fuse` "
        "(architecture/ethosu85/ethos_u85.cpp) refuses such a CLAMP only where the result is of a smaller type."
    ),
    effect=(
        "The result is the shift, without limits. With a TABLE, a value that does not fit has no entry there. "
        "Ethos-U55 and U65 do not take a shift of int8."
    ),
    workaround="An operation after the shift, such as a MAX_POOL2D of one place.",
    instead=lambda p: _clamped(p, copied=True),
)
