"""Convolutions of int16 whose sums are rescaled in two steps."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.weights import decode_scales
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 4, 4, 8)

#: What sums are multiplied by: an odd number of more than 15 bits.
_SCALE, _SHIFT = 858993459, 50


def _sums(p: Program, op: str = "CONV2D") -> int:
    """Of a 1x1 convolution, as INT32."""
    channels = _SHAPE[-1]
    weights = (1, 1, channels, 1) if op == "DEPTHWISE_CONV2D" else (channels, 1, 1, channels)
    operands = (
        p.input(*_SHAPE, dtype="INT16"), p.data(p.random.integers(-127, 128, weights), "INT8"),
        p.bias(channels, wide=True), p.data(0, "INT16"), p.data(0, "INT8"),
    )  # fmt: skip
    sums = p.op(
        op, operands, _SHAPE, "INT48", pad=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1), local_bound=False,
        acc_type="INT48",
    )  # fmt: skip
    return p.rescale_by(sums, "INT32", 1 << 14, 14)


def _rescaled(p: Program, sums: int) -> int:
    return p.rescale_by(sums, "INT8", _SCALE, _SHIFT)


def _with_addition(p: Program) -> int:
    sums = _sums(p)
    return _rescaled(p, p.op("ADD", (sums, p.data([[[[0]]]], "INT32")), p.shape(sums)))


def _by_channel(p: Program) -> int:
    return p.rescale_by(_sums(p), "INT8", [_SCALE] * _SHAPE[-1], [_SHIFT + at % 2 for at in range(_SHAPE[-1])])


def _observe(compiled: Compiled) -> Observed:
    """By what the convolution multiplies its first channel."""
    accelerator, constants = decode(compiled.command_stream).accelerator, compiled.npu_program.constants
    one = next(o for o in computing(compiled) if o.scales)
    streams = [constants[span.address : span.address + span.length_bytes] for span in one.scales]
    found = decode_scales(one, accelerator, streams)
    scale, shift = int(found.scale[0]), int(found.shift[0])
    return Observed(scale not in (1, _SCALE), f"{one.kind} scales {one.accumulator} sums by {scale} / 2^{shift}")


MISCOMPILATION = Miscompilation(
    name="int48-scales",
    summary=(
        "INT48 sums of a CONV2D or DEPTHWISE_CONV2D of int16 become INT32 and are then rescaled. Only the lowest 15 "
        "bits of the multiplier are kept."
    ),
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=lambda p: _rescaled(p, _sums(p)),
    others={
        "a DEPTHWISE_CONV2D": lambda p: _rescaled(p, _sums(p, "DEPTHWISE_CONV2D")),
        "sums that are reshaped between": lambda p: _rescaled(p, p.reshape(_sums(p), 1, 2, 8, 8)),
        "a multiplier for each channel": _by_channel,
    },
    observe=_observe,
    cause=(
        "TOSA rescales INT48 by multipliers of 15 bits, and INT32 by such of 31. `FuseRescale` "
        "(compiler/graphir_optimiser.cpp) fuses the first RESCALE to the convolution. If that is by one, nothing is "
        "to be seen of it then. The second RESCALE is fused as well: `SupportedOFMQuant` "
        "(architecture/ethosu85/ethos_u85_constraints.cpp) accepts any scale of a convolution. `FindBlockConfig` "
        "(architecture/ethosu85/ethos_u85.cpp) takes 48-bit accumulators for a convolution of int16. Their scales have "
        "15 bits beside a bias of 48: `EncodeBias48` (architecture/ethosu85/ethos_u85_weight_encoder.cpp) asserts that "
        "they fit, which is not compiled in, and writes the lowest 15 bits. Ethos-U55 and U65 have 32 bits for a scale "
        "and 40 for a bias."
    ),
    effect=(
        "Each result is scaled by what is left of the multiplier, which is nearly always another factor. A multiplier "
        "of at most 15 bits is right. Common powers of two are taken out of it and the shift before."
    ),
    workaround=(
        "An operation between the two RESCALEs, such as an ADD of 0. With version 5.1.0, also a CONCAT of several "
        "sums. No pass of velatune makes such a program for Ethos-U85 "
        "(`search_space/building/miscompiled/wide_scales.py`)."
    ),
    instead=_with_addition,
)
