"""MAX_POOL2D whose result is rescaled."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _SCALE = (1, 4, 4, 8), 0.7


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.pooling_mode == "MAX")
    scale, shift = one.registers.number("OFM_SCALE", "scale"), one.registers.number("OFM_SCALE", "shift")
    says = f"MAX pool with OFM_SCALE {scale} and shift {shift}"
    if one.family == U85:
        return Observed(False, f"{says}, which Ethos-U85 honours")
    return Observed(scale != 1 << shift, says)


MISCOMPILATION = Miscompilation(
    name="scaled-max-pool",
    summary="RESCALE of a MAX_POOL2D becomes the OFM scale of a MAX pool, which the hardware does not apply.",
    affected={"5.1.0": (U55, U65), "5.2.0": ()},
    make=lambda p: p.rescale(p.max_pool(p.input(*_SHAPE), 2), "INT8", _SCALE),
    observe=_observe,
    cause=(
        "`SupportedOFMQuant` (architecture/ethosu55/ethos_u55_constraints.cpp) accepts any OFM scale of a max pool, so "
        "that `FuseRescale` (compiler/graphir_optimiser.cpp) fuses the RESCALE. In 5.2.0 it does not accept it, and "
        "the release notes call the earlier output incorrect."
    ),
    effect="The maximum is written without being scaled.",
    workaround="The RESCALE before the pool; the maximum of rescaled values is the rescaled maximum.",
    instead=lambda p: p.max_pool(p.rescale(p.input(*_SHAPE), "INT8", _SCALE), 2),
)
