"""Sums that a RESCALE by one narrows, and that another RESCALE reads."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 8)


def _convolution(p: Program) -> int:
    channels = _SHAPE[-1]
    operands = (
        p.input(*_SHAPE), p.data(p.random.integers(-127, 128, (channels, 1, 1, channels)), "INT8"),
        p.bias(channels, wide=False), p.data(0, "INT8"), p.data(0, "INT8"),
    )  # fmt: skip
    return p.op(
        "CONV2D", operands, _SHAPE, "INT32", pad=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1), local_bound=False,
        acc_type="INT32",
    )  # fmt: skip


def _product(p: Program) -> int:
    return p.op("MUL", (p.input(*_SHAPE), p.input(*_SHAPE), p.data(0, "INT8")), _SHAPE, "INT32")


def _quarter(p: Program, sums: int, clamped: bool = False, reshaped: bool = False) -> int:
    """Of the sums as INT8. clamped: with a CLAMP to the range of INT8 between the two RESCALEs."""
    narrow = p.rescale_by(sums, "INT8", 1 << 30, 30)
    if clamped:
        narrow = p.clamp(narrow)
    if reshaped:
        narrow = p.reshape(narrow, 1, 2, 8, 8)
    return p.rescale_by(narrow, "INT8", 1 << 30, 32)


def _observe(compiled: Compiled) -> Observed:
    """How many operations there are."""
    count = len(computing(compiled))
    return Observed(count == 1, f"{count} operation{'s' * (count > 1)}")


MISCOMPILATION = Miscompilation(
    name="lost-saturation",
    summary="A RESCALE by one to a narrower type does not saturate where another RESCALE reads its result.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=lambda p: _quarter(p, _convolution(p)),
    others={
        "MUL": lambda p: _quarter(p, _product(p)),
        "a RESHAPE between the two": lambda p: _quarter(p, _convolution(p), reshaped=True),
    },
    observe=_observe,
    cause=(
        "`FuseRescale` (compiler/graphir_optimiser.cpp) fuses the first RESCALE to what computes its operand. If that "
        "is by one, with zero points 0, nothing is to be seen of it then. The second RESCALE is fused as well. The "
        "range of the type between them is forgotten. Version 5.2.0 keeps it where the second result has a wider type, "
        "but as that result's range. That is right if the second RESCALE is by one too."
    ),
    effect="Values outside the range of the type between are scaled instead of being saturated first.",
    workaround="A CLAMP to the range of the type, between the two.",
    instead=lambda p: _quarter(p, _convolution(p), clamped=True),
)
