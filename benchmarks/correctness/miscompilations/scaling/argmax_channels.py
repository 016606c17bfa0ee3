"""ARGMAX with a scale for each channel."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _CHANNELS = (5, 2, 4), 4
_ONE, _HALF, _SHIFT = 1 << 30, 1 << 29, 30


def _index(p: Program, apart: bool = False) -> int:
    value = p.op("ARGMAX", (p.input(*_SHAPE),), _SHAPE[1:], "INT32", axis=0, nan_mode="PROPAGATE")
    if apart:
        value = p.op("ADD", (value, p.data([[0]], "INT32")), _SHAPE[1:])
    return p.rescale_by(value, "INT32", [_ONE] + [_HALF] * (_CHANNELS - 1), _SHIFT)


def _observe(compiled: Compiled) -> Observed:
    one = next(one for one in computing(compiled) if one.mode in ("ARGMAX_X", "ARGMAX_Y"))
    if one.scale_mode == "PER_CHANNEL":
        return Observed(True, f"{one.mode} with a scale for each channel")
    scale, shift = one.registers.number("OFM_SCALE", "scale"), one.registers.number("OFM_SCALE", "shift")
    return Observed(False, f"{one.mode} scaled by {scale} / 2^{shift}")


MISCOMPILATION = Miscompilation(
    name="argmax-channels",
    summary="RESCALE by a scale for each channel is fused to an ARGMAX if the first scale is 1.",
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_index,
    observe=_observe,
    cause=(
        "`SupportedOFMQuant` (architecture/ethosu85/ethos_u85_constraints.cpp) looks at the first scale only. "
        "`EthosU85RCSGenerator::GenerateOFMScalingForPooling` "
        "(architecture/ethosu85/ethos_u85_register_cs_generator.cpp) writes the scale 1 / 2^16 to OFM_SCALE. This "
        "takes the index out of an accumulator that holds index and value. The hardware does not use OFM_SCALE if "
        "there is a scale for each channel. The assertion that there is none is not compiled in."
    ),
    effect="The index is not separated from the largest value, and scaled by the RESCALE's scales.",
    workaround="An operation between ARGMAX and RESCALE, such as an ADD of 0.",
    instead=lambda p: _index(p, apart=True),
)
