"""A NEGATE whose result is rescaled with double rounding."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 8)

#: An eighth, by a shift above which double rounding adds more than single rounding.
_MULTIPLIER, _SHIFT, _MOST_SHIFT = 1 << 30, 33, 31


def _negated(p: Program, by_difference: bool = False) -> int:
    """-x / 8 of int16 values. by_difference: as 0 - x, in INT32."""
    value = p.input(*_SHAPE, dtype="INT16")
    if by_difference:
        wide = p.rescale_by(value, "INT32", 1 << 30, 30)
        zero = p.rescale_by(p.data([[[[0]]]], "INT16"), "INT32", 1 << 30, 30)
        result = p.op("SUB", (zero, wide), _SHAPE, "INT32")
    else:
        result = p.op("NEGATE", (value, p.data(0, "INT16"), p.data(0, "INT16")), _SHAPE, "INT16")
    return p.rescale_by(result, "INT16", _MULTIPLIER, _SHIFT, double=True)


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.elementwise_mode == "SUB")
    shift = one.registers.number("OFM_SCALE", "shift")
    says = f"SUB with a shift of {shift} bits and rounding {one.rounding}"
    return Observed(shift > _MOST_SHIFT and one.rounding == "NATURAL", says)


MISCOMPILATION = Miscompilation(
    name="rounded-negation",
    summary="NEGATE whose result is rescaled with DOUBLE_ROUND and a shift of more than 31 bits rounds once.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_negated,
    observe=_observe,
    cause=(
        "`FuseRescale` (compiler/graphir_optimiser.cpp) joins the RESCALE with the NEGATE, and gives that the scale "
        "and the rounding. `RewriteNegate` in the same file, which runs later, makes a SUB from 0 of it. It copies "
        "the scale, but sets the rounding to NATURAL, which is single rounding."
    ),
    effect="Values that are within 2^30 of the half between two results, before the shift, become the wrong one.",
    workaround="A SUB from a constant 0, of operands in INT32.",
    instead=lambda p: _negated(p, by_difference=True),
)
