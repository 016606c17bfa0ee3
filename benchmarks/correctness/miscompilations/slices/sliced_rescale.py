"""A slice of INT32 values that is rescaled."""

from __future__ import annotations

from math import prod

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 8)
_HALF = (1, 4, 4, 4)


def _product(p: Program) -> int:
    return p.op("MUL", (p.input(*_SHAPE), p.input(*_SHAPE), p.data(0, "INT8")), _SHAPE, "INT32")


def _convolution(p: Program) -> int:
    """Of int16, as INT32."""
    channels = _SHAPE[-1]
    operands = (
        p.input(*_SHAPE, dtype="INT16"), p.data(p.random.integers(-127, 128, (channels, 1, 1, channels)), "INT8"),
        p.bias(channels, wide=True), p.data(0, "INT16"), p.data(0, "INT8"),
    )  # fmt: skip
    sums = p.op(
        "CONV2D", operands, _SHAPE, "INT48", pad=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1), local_bound=False,
        acc_type="INT48",
    )  # fmt: skip
    return p.rescale_by(sums, "INT32", 1 << 14, 14)


def _rescaled(p: Program, value: int, shift: int = 36) -> int:
    return p.rescale_by(value, "INT8", 858993459, shift)


def _half(p: Program, value: int) -> int:
    """Of the channels."""
    return p.slice(value, (0, 0, 0, _HALF[-1]), _HALF)


def _observe(compiled: Compiled) -> Observed:
    """How much the last operation writes that writes where the output is."""
    (output,) = compiled.outputs
    place = output.region, output.address
    for one in reversed(computing(compiled)):
        if one.ofm is not None and (one.ofm.region, one.ofm.addresses[0]) == place:
            count = prod(one.ofm.shape) * one.ofm.element_bytes
            says = f"{one.mode or ''} {one.kind} writes {count} bytes to an output of {output.bytes}"
            return Observed(count > output.bytes, says.strip())
    return Observed(False, "a copy writes the output")


MISCOMPILATION = Miscompilation(
    name="sliced-rescale",
    summary="A RESCALE of a SLICE of INT32 values reads and writes as much as without the SLICE.",
    affected={"5.1.0": (), "5.2.0": (U55, U65)},
    make=lambda p: _rescaled(p, _half(p, _product(p))),
    others={"a CONV2D of int16": lambda p: _rescaled(p, _half(p, _convolution(p)), 50)},
    observe=_observe,
    cause=(
        "Ethos-U55 and U65 rescale INT32 values by a MUL (`RewriteRescale`, compiler/graphir_optimiser.cpp). The MUL "
        "gets a slice of some channels, for a multiplier of their own. The slice has the shape of the whole tensor "
        "otherwise. In version 5.2.0 a SLICE before the RESCALE is in the same place by then, and is replaced."
    ),
    effect="The first elements are taken instead of those of the SLICE, and bytes after the output are overwritten.",
    workaround="The RESCALE before the SLICE.",
    instead=lambda p: _half(p, _rescaled(p, _product(p))),
)
