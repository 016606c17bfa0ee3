"""Products of int32 that are shifted far."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 8)

#: Above it, double rounding adds more than single rounding.
_MOST_SHIFT = 31


def _product(p: Program, shift: int = 32) -> int:
    first, second = (p.input(*_SHAPE, dtype="INT32") for _ in range(2))
    return p.op("MUL", (first, second, p.data(shift, "INT8")), _SHAPE)


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.elementwise_mode == "MUL")
    shift, rounding = one.registers.number("OFM_SCALE", "shift"), one.rounding
    wrong = shift > _MOST_SHIFT and rounding in ("DBL", "DOUBLE_SYMMETRIC")
    return Observed(wrong, f"MUL with a shift of {shift} bits and rounding {rounding}")


MISCOMPILATION = Miscompilation(
    name="rounded-product",
    summary="MUL of int32 with a shift of more than 31 bits rounds twice.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_product,
    observe=_observe,
    cause=(
        "TOSA rounds a MUL once. `ConvertAttributes` (compiler/graphir_optimiser.cpp) makes the shift part of the OFM "
        "scale and names no rounding. `EthosU55RCSGenerator` and `EthosU85RCSGenerator` "
        "(architecture/*/*_register_cs_generator.cpp) then take double rounding, which up to 31 bits is the same."
    ),
    effect="Products that are within 2^30 of the half between two results, before the shift, become the wrong one.",
    workaround="None is known.",
    instead=_product,
    unavoidable=(U55, U65, U85),
)
