"""Products with a scale for each column."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import Kind
from workers.ethos_u.vela.compiler import Compiled

_SHIFTS = [38, 39, 40, 38, 39]
_COLUMNS = len(_SHIFTS)
_SHAPE = (1, 4, _COLUMNS)


def _product(p: Program, apart: bool = False) -> int:
    zeros = p.data(0, "INT8"), p.data(0, "INT8")
    value = p.op("MATMUL", (p.input(1, 4, 3), p.input(1, 3, _COLUMNS), *zeros), _SHAPE, "INT32")
    if apart:
        value = p.op("ADD", (value, p.data([[[0]]], "INT32")), _SHAPE)
    return p.rescale_by(value, "INT8", [1 << 30] * _COLUMNS, _SHIFTS)


def _observe(compiled: Compiled) -> Observed:
    """The last operation, and what it scales by."""
    one = computing(compiled)[-1]
    assert one.ifm is not None
    if one.kind is Kind.CONV and not one.scales:
        scale, shift = one.registers.number("OFM_SCALE", "scale"), one.registers.number("OFM_SCALE", "shift")
        return Observed(True, f"the products of two feature maps are scaled by {scale} / 2^{shift} in all columns")
    if one.scales:
        return Observed(False, f"{one.mode or one.kind} with a scale for each channel")
    assert one.ifm2 is not None
    return Observed(False, f"{one.mode} of the products and a scale for each of {one.ifm2.shape[-1]} columns")


MISCOMPILATION = Miscompilation(
    name="matmul-channels",
    summary="RESCALE of a MATMUL by a scale for each column uses the first column's scale for all.",
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_product,
    observe=_observe,
    cause=(
        "`SupportedOFMQuant` (architecture/ethosu85/ethos_u85_constraints.cpp) refuses a scale for each channel for "
        "some operators, but not for MATMUL. So `FuseRescale` (compiler/graphir_optimiser.cpp) fuses the RESCALE. An "
        "operation that multiplies two feature maps has no weights with scales. The generator "
        "architecture/ethosu85/ethos_u85_register_cs_generator.cpp writes the first scale to OFM_SCALE."
    ),
    effect="Columns with another scale than the first are scaled wrongly.",
    workaround="An operation between MATMUL and RESCALE, such as an ADD of 0.",
    instead=lambda p: _product(p, apart=True),
)
