"""Sums of operands that are rounded twice."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 16)

#: Twice the multiplier is just below a half of 2^31, and more.
_MULTIPLIER, _SHIFT = (1 << 30) + (1 << 29) - 1, 31

#: By bits of the operands: how far the hardware shifts the operand that is not scaled.
_HARDWARE_SHIFTS = {8: 19, 16: 14}


def _sum(p: Program, op: str = "ADD", bits: int = 8, double: bool = True) -> int:
    """0.75 x + 2^19 y, or 2^14 y, with y clamped to 0, so that the last bit of the scaled operand shows."""
    dtype = f"INT{bits}"
    first = p.rescale_by(p.input(*_SHAPE, dtype=dtype), "INT32", _MULTIPLIER, _SHIFT, double=double)
    zero = p.clamp(p.input(*_SHAPE, dtype=dtype), 0, 0)
    second = p.rescale_by(zero, "INT32", 1 << 30, 30 - _HARDWARE_SHIFTS[bits])
    return p.rescale_by(p.op(op, (first, second), _SHAPE, "INT32"), dtype, 1 << 30, 30)


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.elementwise_mode in ("ADD", "SUB"))
    assert one.ifm is not None
    mode = one.ifm_scale_mode
    if mode is None:
        ahead = one.registers.number("IFM_SCALE", "dbl_rnd")
        return Observed(False, f"{one.elementwise_mode} with dbl_rnd {ahead} of the scaled operand")
    rounding, shift = one.registers.choice("IFM_PRECISION", "round_mode"), one.registers.number("OPA_SCALE", "shift")
    most = 31 - 1 - _HARDWARE_SHIFTS[8 * one.ifm.element_bytes]
    says = f"{one.elementwise_mode} with {mode}, a shift of {shift} bits and rounding {rounding} of the scaled operand"
    return Observed(mode != "OPA_OPB_16" and rounding == "DBL" and most < shift <= 31, says)


MISCOMPILATION = Miscompilation(
    name="double-rounded-sum",
    summary="ADD or SUB of an operand that is rescaled with DOUBLE_ROUND rounds it as TensorFlow Lite's ADD does.",
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_sum,
    others={
        "SUB": lambda p: _sum(p, "SUB"),
        "ADD of int16": lambda p: _sum(p, bits=16),
    },
    observe=_observe,
    cause=(
        "With a shift of up to 31 bits, DOUBLE_ROUND of TOSA rounds once. Vela makes it the rounding of the operand "
        "(`ConvertAttributes` in compiler/graphir_optimiser.cpp). With OPA_32 or OPB_32 the hardware first shifts the "
        "scaled operand left (int8: 20 bits, int16: 15 bits). Above 11 or 16 bits it rounds twice. That suits "
        "TensorFlow Lite's ADD, for which `double_round_shift_attr_t` is set (compiler/tflite_graph_optimiser.cpp). "
        "Programs in TOSA do not set it. `EthosU55RCSGenerator::GenerateScalingForElementwise` "
        "(architecture/ethosu55/ethos_u55_register_cs_generator.cpp) writes these modes all the same."
    ),
    effect=(
        "Before the shift, an operand may be within 2^10 (int8) or 2^15 (int16) of a tie between integers. It becomes "
        "the wrong one then."
    ),
    workaround="SINGLE_ROUND, as ExecuTorch writes it, which up to 31 bits means the same.",
    instead=lambda p: _sum(p, double=False),
)
