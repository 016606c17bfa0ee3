"""CAST to a type that does not hold all values."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 8)


def _cast(p: Program, dtype: str = "INT32") -> int:
    return p.op("CAST", (p.input(*_SHAPE, dtype=dtype),), _SHAPE, "INT8")


def _observe(compiled: Compiled) -> Observed:
    one = next(
        o for o in computing(compiled)
        if o.ifm is not None and o.ofm is not None and o.ifm.element_bytes > o.ofm.element_bytes
    )  # fmt: skip
    assert one.ifm is not None and one.ofm is not None and one.activation is not None
    bits = f"{one.mode} of {8 * one.ifm.element_bytes} bits written as {8 * one.ofm.element_bytes} bits"
    if one.family != U85:
        return Observed(True, f"{bits}; the hardware always saturates")
    if one.activation.function == "lut":
        return Observed(True, f"{bits} by way of a look-up table, without a clip to the table's indices")
    return Observed(False, f"{bits}, without a clip")


MISCOMPILATION = Miscompilation(
    name="narrowing-cast",
    summary=(
        "CAST of int32 or int16 to int8 saturates. On Ethos-U55 and U65 it always does, on Ethos-U85 where a TABLE "
        "reads it."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=lambda p: p.table(_cast(p)),
    others={"CAST of int16": lambda p: p.table(_cast(p, "INT16"))},
    observe=_observe,
    cause=(
        "TOSA keeps the lowest bits. `RewriteCast` (compiler/graphir_optimiser.cpp) makes an ADD of it and asks for no "
        "clipping. Ethos-U55 and U65 have no such mode. `EthosU85OpGroup::Fuse` (architecture/ethosu85/ethos_u85.cpp) "
        "does not fuse a CLAMP with an operation that may truncate, but does fuse a TABLE."
    ),
    effect="A value that does not fit becomes the nearest that does. With the TABLE it has no entry there.",
    workaround=(
        "On Ethos-U85, an operation between CAST and TABLE. On Ethos-U55 and U65 there is none; where every value "
        "fits, nothing is wrong."
    ),
    instead=lambda p: p.table(p.max_pool(_cast(p), 1)),
    unavoidable=(U55, U65),
)
