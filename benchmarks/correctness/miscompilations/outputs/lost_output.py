"""An output that another TRANSPOSE reads."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_OUTPUTS = 2
_TO_CHANNELS_FIRST, _BACK, _ON = (0, 3, 1, 2), (0, 2, 3, 1), (0, 1, 3, 2)


def _pooled(p: Program, copied: bool = False) -> tuple[int, int]:
    """A value with its channels first, as PyTorch gives it out, and the pool of it that reads it back in NHWC."""
    first = p.transpose(p.table(p.input(1, 4, 6, 8)), *_TO_CHANNELS_FIRST)
    result = p.max_pool(p.transpose(first, *_BACK), 2)
    return p.every_value_by_table(first) if copied else first, result


def _moved_on(p: Program) -> tuple[int, int]:
    first = p.transpose(p.table(p.input(1, 4, 6, 8)), *_TO_CHANNELS_FIRST)
    return first, p.transpose(first, *_ON)


def _reshaped_and_moved_on(p: Program) -> tuple[int, int]:
    first = p.reshape(p.table(p.input(6, 5)), 1, 6, 5)
    return first, p.transpose(first, 0, 2, 1)


def _given_out_in_the_same_shape(p: Program) -> tuple[int, int]:
    first = p.transpose(p.table(p.input(2, 3)), 1, 0)
    return p.reshape(first, 3, 2), p.transpose(first, 1, 0)


def _given_out_by_identity(p: Program) -> tuple[int, int]:
    first = p.transpose(p.table(p.input(2, 3)), 1, 0)
    return p.op("IDENTITY", (first,), (3, 2)), p.transpose(first, 1, 0)


def _observe(compiled: Compiled) -> Observed:
    found = len(compiled.outputs)
    return Observed(found != _OUTPUTS, f"outputs: {found}; the program has {_OUTPUTS}")


MISCOMPILATION = Miscompilation(
    name="lost-output",
    summary=(
        "An output is lost if it is a TRANSPOSE's result and its only reader is another TRANSPOSE. It may also be the "
        "result of a RESHAPE that adds or removes dimensions of size 1."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_pooled,
    others={
        "an output that is transposed on to another output": _moved_on,
        "a RESHAPE that puts in a dimension of size 1": _reshaped_and_moved_on,
        "an output that a RESHAPE to the same shape gives": _given_out_in_the_same_shape,
        "an output that an IDENTITY gives": _given_out_by_identity,
    },
    observe=_observe,
    cause=(
        "`MergeTransposes` (compiler/graphir_optimiser.cpp) makes one TRANSPOSE of two on a condition. The value "
        "between them has one writer and one reader (`Tensor::IsSinglePath` in compiler/tensor.hpp). It does not ask "
        "whether the value is an output of the graph. Nothing writes the value then, and Vela gives out the others "
        "only. Nor does `CanonicaliseReshapeTransposePattern` in the same file, which exchanges such a RESHAPE and the "
        "TRANSPOSE after it."
    ),
    effect=(
        "The delegate has fewer outputs than the program, without a message. ExecuTorch's runtime finds outputs by "
        "their position, so that those after the lost one are taken for others. It happens to MobileNetV3 as "
        "ExecuTorch lowers it. There a delegate gives out a feature map and pools it too."
    ),
    workaround=("An operation between the first TRANSPOSE and the output, such as an identity TABLE."),
    instead=lambda p: _pooled(p, copied=True),
)
