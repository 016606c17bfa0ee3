"""A minimum along an axis that is left out of the result."""

from __future__ import annotations

from math import prod

from benchmarks.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.miscompilations.streams import computing, size
from benchmarks.tosa_program import Program
from workers.vela import Compiled

_SHAPE = (4, 6, 5)


def _minimum(p: Program, axis: int = 2, copied: bool = False) -> int:
    """`torch.amin` without `keepdim`."""
    shape = (*_SHAPE[:axis], 1, *_SHAPE[axis + 1 :])
    least = p.op("REDUCE_MIN", (p.input(*_SHAPE),), shape, axis=axis, nan_mode="PROPAGATE")
    return p.reshape(p.every_value_by_table(least) if copied else least, *shape[:axis], *shape[axis + 1 :])


def _observe(compiled: Compiled) -> Observed:
    """The last operation: on Ethos-U55 and U65 it turns the maximum of the complements into the minimum."""
    one = computing(compiled)[-1]
    assert one.ifm is not None and one.ofm is not None
    says = f"{one.mode or one.kind} reads {size(one.ifm.shape)}"
    wrong = False
    if one.ifm2 is not None and one.ifm2.addresses:
        says = f"{says} and {size(one.ifm2.shape)}"
        wrong = prod(one.ifm2.shape) < prod(one.ofm.shape)
    return Observed(wrong, f"{says}, and writes {size(one.ofm.shape)}")


MISCOMPILATION = Miscompilation(
    name="reduced-minimum",
    summary="REDUCE_MIN whose result is reshaped repeats some of its values instead of the others.",
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_minimum,
    others={"REDUCE_MIN along another axis": lambda p: _minimum(p, 1)},
    observe=_observe,
    cause=(
        "`RewriteReduceMin` (compiler/graphir_optimiser.cpp) makes a SUB, a REDUCE_MAX and a SUB of it, since these "
        "NPUs have no minimum. It connects the last SUB to the output's tensor without the connection's shape. That "
        "tensor has the shape behind the RESHAPE (`RemoveReshape` in the same file); the operand keeps the one in "
        "front of it. The SUB then broadcasts an axis of size 1 of the operand over an axis of the result."
    ),
    effect="Most values of the result are another row's or column's minimum. `torch.amin` without `keepdim` is such.",
    workaround="An operation between REDUCE_MIN and RESHAPE, such as a TABLE with every value at its own place.",
    instead=lambda p: _minimum(p, copied=True),
)
