"""A minimum whose operand or result is read in another shape."""

from __future__ import annotations

from math import prod

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, first_wrong, size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (4, 6, 5)


def _minimum(p: Program, axis: int = 2, copied: bool = False) -> int:
    """`torch.amin` without `keepdim`."""
    shape = (*_SHAPE[:axis], 1, *_SHAPE[axis + 1 :])
    least = p.op("REDUCE_MIN", (p.input(*_SHAPE),), shape, axis=axis, nan_mode="PROPAGATE")
    return p.reshape(p.every_value_by_table(least) if copied else least, *shape[:axis], *shape[axis + 1 :])


def _with_another_reader(p: Program) -> tuple[int, int]:
    """The operand is also read in another shape."""
    value = p.every_value_by_table(p.input(*_SHAPE))
    least = p.op("REDUCE_MIN", (value,), (*_SHAPE[:2], 1), axis=2, nan_mode="PROPAGATE")
    return p.every_value_by_table(least), p.reshape(value, prod(_SHAPE[:2]), _SHAPE[2])


def _observe(compiled: Compiled) -> Observed:
    """The operations that complement, on Ethos-U55 and U65: of the operand, and of the maximum of the complements."""
    complements = [one for one in computing(compiled) if one.mode == "SUB" and one.ifm2 is not None]
    found = []
    for one in complements:
        assert one.ifm2 is not None and one.ofm is not None
        wrong = bool(one.ifm2.addresses) and prod(one.ifm2.shape) < prod(one.ofm.shape)
        found.append(Observed(wrong, f"SUB reads {size(one.ifm2.shape)} and writes {size(one.ofm.shape)}"))
    return first_wrong(found or [Observed(False, "nothing is complemented")])


MISCOMPILATION = Miscompilation(
    name="reduced-minimum",
    summary=(
        "REDUCE_MIN repeats some values and drops others if its result is reshaped, or a RESHAPE reads its operand."
    ),
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_minimum,
    others={
        "REDUCE_MIN along another axis": lambda p: _minimum(p, 1),
        "a RESHAPE of the operand": _with_another_reader,
    },
    observe=_observe,
    cause=(
        "`RewriteReduceMin` (compiler/graphir_optimiser.cpp) makes a SUB, a REDUCE_MAX and a SUB of it, since these "
        "NPUs have no minimum. It connects both SUBs to the tensors of operand and result without the connections' "
        "shapes. Such a tensor has the shape after the RESHAPE (`RemoveReshape` in the same file). The other side of "
        "the SUB keeps the one before it. The SUB then broadcasts an axis of size 1 over an axis of the other side."
    ),
    effect="Most values of the result are another row's or column's minimum. `torch.amin` without `keepdim` is such.",
    workaround=(
        "An operation before the RESHAPE, such as a TABLE with every value at its own place. velatune's "
        "`copy-reshaped-operand` puts one there."
    ),
    instead=lambda p: _minimum(p, copied=True),
)
