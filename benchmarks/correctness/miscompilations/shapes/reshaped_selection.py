"""A SELECT that reads a RESHAPE of a value, and another RESHAPE of it that is computed with."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_COUNT = 4


def _selected(p: Program, copied: bool = False) -> int:
    condition, value = p.input(1, _COUNT, 1, dtype="BOOL"), p.input(2, _COUNT // 2, 1)
    scaled = p.rescale(p.conv(p.reshape(value, _COUNT, 1, 1, 1), 1), "INT8", 0.5)
    other = p.reshape(p.every_value_by_table(value) if copied else value, 1, _COUNT, 1)
    return p.op("SELECT", (condition, p.reshape(scaled, 1, _COUNT, 1), other), (1, _COUNT, 1), "INT8")


def _observe(compiled: Compiled) -> Observed:
    """What AND_NOT writes and OR reads of it."""
    operations = computing(compiled)
    written = sum(one.ofm.elements for one in operations if one.mode == "AND_NOT" and one.ofm is not None)
    read = sum(one.ifm2.elements for one in operations if one.mode == "OR" and one.ifm2 is not None)
    return Observed(read < written, f"AND_NOT writes {written} elements, of which OR reads {read}")


MISCOMPILATION = Miscompilation(
    name="reshaped-selection",
    summary="Of a SELECT of a value that two RESHAPEs read, one element is taken for all.",
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_selected,
    observe=_observe,
    cause=(
        "A SELECT is rewritten as the OR of an AND and an AND_NOT (`RewriteSelect` in compiler/graphir_optimiser.cpp). "
        "The result of AND_NOT gets the shape of its operand's tensor. `RemoveReshape` in the same file has given "
        "that tensor the shape after the other RESHAPE. It has a batch here. AND_NOT is emitted once for each batch, "
        "and the OR reads the first one."
    ),
    effect="All that the condition leaves of the value is its first element.",
    workaround="A look-up table before the SELECT's RESHAPE, so that it has a tensor of its own.",
    instead=lambda p: _selected(p, copied=True),
)
