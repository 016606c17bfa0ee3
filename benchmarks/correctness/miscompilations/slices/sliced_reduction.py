"""A maximum that is written into a part of a tensor."""

from __future__ import annotations

from math import prod

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _REDUCED = (4, 6, 5), (4, 6, 1)


def _maximum(p: Program, copied: bool = False) -> int:
    most = p.op("REDUCE_MAX", (p.input(*_SHAPE),), _REDUCED, axis=2, nan_mode="PROPAGATE")
    return p.every_value_by_table(most) if copied else most


def _padded(p: Program, copied: bool = False) -> int:
    return p.op("PAD", (_maximum(p, copied), p.data(0, "INT8")), (4, 8, 1), padding=(0, 0, 1, 1, 0, 0))


def _joined(p: Program) -> int:
    return p.concat(1, _maximum(p), p.input(*_REDUCED))


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.pooling_mode == "MAX")
    assert one.ofm is not None
    found, wanted = prod(one.ofm.shape), prod(_REDUCED)
    return Observed(found != wanted, f"MAX pool writes {size(one.ofm.shape)}; there are {wanted} maxima")


MISCOMPILATION = Miscompilation(
    name="sliced-reduction",
    summary="REDUCE_MAX along the last axis writes a whole tensor, of which PAD or CONCAT make it a part.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_padded,
    others={"REDUCE_MAX that a CONCAT reads": _joined},
    observe=_observe,
    cause=(
        "`MoveConcatSliceToProducer` (compiler/graphir_optimiser.cpp) lets the reduction write its slice of the larger "
        "tensor. `DecomposeReduce` (compiler/scheduler_decompose.cpp) then reshapes both tensors to three dimensions "
        "and drops the slice. The assertion that there is none is not compiled in. On Ethos-U85 the same happens to "
        "REDUCE_MIN, REDUCE_ALL and REDUCE_ANY. On Ethos-U55 and U65 it happens to REDUCE_MAX along the height too."
    ),
    effect=(
        "The maxima lie in other places than their own. Windows of nothing but padding have no defined value, and are "
        "written over the rest of the tensor."
    ),
    workaround="An operation after the reduction, such as a TABLE with every value at its own place.",
    instead=lambda p: _padded(p, copied=True),
)
