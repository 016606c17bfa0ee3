"""TABLE and CLAMP of a batch."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, size
from velatune.testing.program import Program
from workers.ethos_u.command_stream import Kind
from workers.ethos_u.vela.compiler import Compiled

_BATCHED = (16, 1, 1, 8)
_WIDE, _NARROW = (1, 4, 8, 8), (2, 4, 4, 8)


def _linear(p: Program) -> int:
    return p.conv(p.input(*_BATCHED), 8)


def _clamp(p: Program, value: int, shape: tuple[int, ...] = _BATCHED) -> int:
    return p.clamp(p.reshape(value, *shape), -50, 60)


def _observe(compiled: Compiled) -> Observed:
    """The operation that has the activation in it."""
    one = next(o for o in computing(compiled) if o.activation is not None and o.activation.function != "none")
    assert one.ifm is not None and one.ofm is not None
    if one.kind is Kind.ELEMENTWISE:
        rows, columns = one.ifm.strides[0], one.ifm.shape[1] * one.ifm.strides[1]
        says = f"{one.mode} reads {size(one.ifm.shape)} from rows of {rows} bytes, and {columns} bytes of each"
        return Observed(rows != columns, says)
    assert one.kernel is not None and one.padding is not None
    after = one.padding.bottom, one.padding.right
    says = f"{one.kind} reads {size(one.ifm.shape)}, pads {after[0]} rows and {after[1]} columns after it, and writes"
    wrong = after[0] >= one.kernel.dilated_height or after[1] >= one.kernel.dilated_width
    return Observed(wrong, f"{says} {size(one.ofm.shape)}")


MISCOMPILATION = Miscompilation(
    name="batched-activation",
    summary=(
        "TABLE or CLAMP of rank 4 or more with a batch gives its shape to its producer. That then computes other "
        "elements."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": ()},
    make=lambda p: p.table(_linear(p)),
    others={
        "CLAMP of a 1x1 CONV2D with a batch": lambda p: p.clamp(_linear(p), -50, 60),
        "CLAMP of a reshaped 3x3 CONV2D": lambda p: _clamp(p, p.conv(p.input(1, 4, 4, 8), 8, (3, 3))),
        "CLAMP of a reshaped DEPTHWISE_CONV2D": (
            lambda p: _clamp(p, p.conv(p.input(1, 4, 4, 8), 8, (3, 3), depthwise=True))
        ),
        "CLAMP of a reshaped MAX_POOL2D": lambda p: _clamp(p, p.max_pool(p.input(1, 8, 8, 8), 2)),
        "CLAMP of a reshaped ADD": lambda p: _clamp(p, p.add(p.input(*_WIDE), p.input(*_WIDE)), _NARROW),
        "CLAMP of a reshaped MUL": lambda p: _clamp(p, p.mul(p.input(*_WIDE), p.input(*_WIDE)), _NARROW),
        "CLAMP of a reshaped BITWISE_NOT": (
            lambda p: _clamp(p, p.op("BITWISE_NOT", (p.input(*_WIDE),), _WIDE), _NARROW)
        ),
    },
    observe=_observe,
    cause=(
        "`DecomposeElementwise` (compiler/scheduler_decompose.cpp) folds the batch of the activation into its height. "
        "It also sets a slice that is the whole tensor. Because of the slice, `SchedulerPacking::PackOperations` "
        "(compiler/scheduler_packing.cpp) gives the operation that it fuses the activation to the activation's shape. "
        "A 1x1 CONV2D with a batch has another shape since `RewriteFullyConnected` (compiler/graphir_optimiser.cpp). "
        "Any operation has one before a RESHAPE. In 5.2.0 `DecomposeElementwise` sets no such slice. "
        "`SchedulerPacking::CanPack` does not fuse a convolution or a window across a change of shape."
    ),
    effect=(
        "Nearly all elements of the result are computed from other pixels than their own, or from padding. An "
        "elementwise operation reads past the end of its operands."
    ),
    workaround=(
        "A RESHAPE before the activation and one after it, so that its batch is 1. Vela removes both. velatune writes "
        "every activation so (`search_space/layout/activation_shape.py`)."
    ),
    instead=lambda p: p.reshape(p.table(p.reshape(_linear(p), 1, 16, 8)), *_BATCHED),
)
