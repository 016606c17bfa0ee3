"""Sums of operands with different integer scales."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

#: By how much the hardware shifts the operand that is not scaled, by bits of its type.
_HARDWARE_SHIFTS = {8: 19, 16: 14}


def _sum(p: Program, op: str = "ADD", dtype: str = "INT8", more: int = 0) -> int:
    """(x + 2 y) / 4; more: bits by which both are shifted before the sum, and the sum back after it."""
    shape = (1, 4, 4, 8)
    x, y = (p.input(*shape, dtype=dtype) for _ in range(2))
    wide = (p.rescale(x, "INT32", float(1 << more)), p.rescale(y, "INT32", float(2 << more)))
    return p.rescale(p.op(op, wide, shape, "INT32"), dtype, 1 / (4 << more))


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.elementwise_mode in ("ADD", "SUB"))
    assert one.ifm is not None
    mode = one.ifm_scale_mode
    if mode is None:
        return Observed(False, f"{one.elementwise_mode} with 32 bits for both scales")
    scale = one.registers.number("OPB_SCALE")
    shifted = 1 << _HARDWARE_SHIFTS[8 * one.ifm.element_bytes] & 0xFFFF
    wrong = mode != "OPA_OPB_16" and scale != shifted
    return Observed(wrong, f"{one.elementwise_mode} with operand scaling {mode} and OPB_SCALE {scale}")


MISCOMPILATION = Miscompilation(
    name="addition-scales",
    summary=(
        "The operands of ADD or SUB are rescaled by different small integers. The one with the larger scale is "
        "shifted by 19 or 14 bits instead."
    ),
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_sum,
    others={
        "SUB": lambda p: _sum(p, "SUB"),
        "ADD of int16": lambda p: _sum(p, dtype="INT16"),
    },
    observe=_observe,
    cause=(
        "`SupportedIFMQuant` (architecture/ethosu55/ethos_u55_constraints.cpp) accepts two different integer scales as "
        "a simple 16-bit rescale. `EthosU55RCSGenerator::GenerateScalingForElementwise` "
        "(architecture/ethosu55/ethos_u55_register_cs_generator.cpp) writes only equal scales in that mode. For "
        "different ones it chooses OPA_32 or OPB_32. There the hardware shifts the other operand by 19 bits (int8) or "
        "14 bits (int16), and ignores OPB_SCALE."
    ),
    effect="The operands are added in the ratio 1 : 2^19 (int8) or 1 : 2^14 (int16) instead of 1 : 2.",
    workaround="Both operands rescaled by 2^18 more and the sum by as much less, as ExecuTorch does.",
    instead=lambda p: _sum(p, more=18),
)
