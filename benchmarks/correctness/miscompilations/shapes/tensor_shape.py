"""Operators that are compiled in the shape of another reader of their operand."""

from __future__ import annotations

from math import prod

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, first_wrong, size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _SEEN = (1, 4, 4, 8), (1, 16, 8)


def _resized(p: Program, copied: bool = False) -> tuple[int, int]:
    """RESIZE to the same size, and the same value in another shape."""
    value = p.conv(p.input(*_SHAPE), 8)
    result = p.op(
        "RESIZE", (value,), _SHAPE, scale=(2, 2, 2, 2), offset=(0, 0), border=(0, 0), mode="NEAREST"
    )  # fmt: skip
    return result, p.reshape(p.every_value_by_table(value) if copied else value, *_SEEN)


def _selected(p: Program) -> tuple[int, int]:
    condition = p.input(*_SHAPE, dtype="BOOL")
    value, other = (p.input(*_SHAPE) for _ in range(2))
    return p.op("SELECT", (condition, value, other), _SHAPE, "INT8"), p.reshape(value, *_SEEN)


def _observe(compiled: Compiled) -> Observed:
    """Operations that write more elements than any tensor has, or pad by a whole kernel."""
    most = prod(_SHAPE)
    found = []
    for one in computing(compiled):
        assert one.ifm is not None and one.ofm is not None
        unpadded = one.kernel is None or one.padding is None or one.padding.bottom < one.kernel.dilated_height
        wrong = prod(one.ofm.shape) > most or not unpadded
        says = f"{one.mode or one.kind} reads {size(one.ifm.shape)} and writes {size(one.ofm.shape)}"
        found.append(Observed(wrong, f"{says}; no tensor has more than {most} elements"))
    return first_wrong(found)


MISCOMPILATION = Miscompilation(
    name="tensor-shape",
    summary=("SELECT, and RESIZE to the same size, get a wrong shape if a RESHAPE also reads their operand."),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_resized,
    others={"SELECT": _selected},
    observe=_observe,
    cause=(
        "`RemoveReshape` (compiler/graphir_optimiser.cpp) gives both readers one tensor, which has the shape after "
        "the RESHAPE. The shape that the other reader sees is kept in its connection. `RewriteSelect` and "
        "`RewriteIdentityResize` in the same file make new operations from the tensor, without the connection's shape."
    ),
    effect=(
        "Rows are read from other places than their own, or are padding. The AND of a SELECT also writes beyond its "
        "tensor."
    ),
    workaround=(
        "An operation before the RESHAPE, such as a TABLE with every value at its own place. velatune's "
        "`copy-reshaped-operand` puts one there."
    ),
    instead=lambda p: _resized(p, copied=True),
)
