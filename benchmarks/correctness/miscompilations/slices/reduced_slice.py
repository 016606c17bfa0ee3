"""A reduction of a part of a tensor."""

from __future__ import annotations

from math import prod

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_WHOLE, _HALF, _REDUCED = (1, 4, 6, 10), (1, 4, 6, 5), (1, 4, 6, 1)


def _slice(p: Program, copied: bool = False) -> int:
    """The last five channels."""
    half = p.slice(p.input(*_WHOLE), (0, 0, 0, 5), _HALF)
    return p.every_value_by_table(half) if copied else half


def _maximum(p: Program, copied: bool = False) -> int:
    return p.op("REDUCE_MAX", (_slice(p, copied),), _REDUCED, axis=3, nan_mode="PROPAGATE")


def _observe(compiled: Compiled) -> Observed:
    one = next(o for o in computing(compiled) if o.kind == "pool" and o.mode in ("MAX", "REDUCE_SUM"))
    assert one.ifm is not None
    found, wanted = prod(one.ifm.shape), prod(_HALF)
    return Observed(found != wanted, f"{one.mode} pool reads {size(one.ifm.shape)}; the slice has {wanted} values")


MISCOMPILATION = Miscompilation(
    name="reduced-slice",
    summary="REDUCE_MAX or REDUCE_SUM along the last axis of a SLICE reads the tensor before the SLICE.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_maximum,
    others={"REDUCE_SUM of more than three dimensions": lambda p: p.sum(_slice(p), 3)},
    observe=_observe,
    cause=(
        "`MoveSplitSliceToConsumer` (compiler/graphir_optimiser.cpp) lets the reduction read its slice in place, in "
        "the shape of the whole tensor. The axis keeps its number. Where the NPU does not reduce such an axis, "
        "`DecomposeReduce` (compiler/scheduler_decompose.cpp) makes three dimensions and drops the slice. The "
        "assertion that there is none is not compiled in. `RewriteReduceSum` has made the shape of a REDUCE_SUM "
        "three-dimensional, so that the axis has another meaning. On Ethos-U85 the same happens "
        "to REDUCE_MIN, REDUCE_ALL and REDUCE_ANY. On Ethos-U55 and U65 it happens to REDUCE_MAX along the height too. "
        "On Ethos-U85, an ARGMAX along the width of a SLICE of other than three dimensions reads other values. Or it "
        "becomes an ARGMAX_Y with a kernel along the width. What that computes is not documented."
    ),
    effect=(
        "The results are of other values than the slice's, and of more of them. There can be more results than there "
        "is room for. ExecuTorch writes the `mean` of some channels as such a REDUCE_SUM."
    ),
    workaround=(
        "An operation between SLICE and reduction, such as a TABLE with every value at its own place. velatune's "
        "`copy-sliced-operand` puts one there."
    ),
    instead=lambda p: _maximum(p, copied=True),
)
