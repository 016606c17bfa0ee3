"""Convolutions with equal weights and different biases."""

from __future__ import annotations

import numpy as np

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from velatune.testing.program import Program
from workers.ethos_u.command_stream import Dma, Span, decode
from workers.ethos_u.vela.compiler import Compiled

_CHANNELS = 8
_SHAPE = (1, 4, 4, _CHANNELS)
_MULTIPLIER, _SHIFT = 1 << 30, 38


def _two(p: Program, depthwise: bool = False, apart: bool = False, zero_point: int | None = None) -> tuple[int, int]:
    """Both of one input. apart: the second one's RESCALE has a scale for each channel, all of which are the same.
    zero_point: of the second one's weights, instead of a bias of its own."""
    data = p.input(*_SHAPE)
    kernel = (1, 1, _CHANNELS, 1) if depthwise else (_CHANNELS, 1, 1, _CHANNELS)
    weights = p.random.integers(-127, 128, kernel)

    def convolved(bias: int, count: int, zero: int = 0) -> int:
        operands = (
            data, p.data(weights, "INT8"), p.data(np.full(_CHANNELS, bias), "INT32"), p.data(0, "INT8"),
            p.data(zero, "INT8"),
        )  # fmt: skip
        sums = p.op(
            "DEPTHWISE_CONV2D" if depthwise else "CONV2D", operands, _SHAPE, "INT32", pad=(0, 0, 0, 0), stride=(1, 1),
            dilation=(1, 1), local_bound=False, acc_type="INT32",
        )  # fmt: skip
        return p.rescale_by(sums, "INT8", [_MULTIPLIER] * count, [_SHIFT] * count)

    if zero_point is not None:
        return convolved(3000, 1), convolved(3000, 1, zero_point)
    return convolved(3000, 1), convolved(-9000, _CHANNELS if apart else 1)


def _depthwise(p: Program) -> tuple[int, int]:
    return _two(p, depthwise=True)


def _zero_points(p: Program) -> tuple[int, int]:
    return _two(p, zero_point=5)


def _observe(compiled: Compiled) -> Observed:
    copies: list[Dma] = []
    read: list[tuple[int, ...]] = []
    for one in decode(compiled.command_stream).operations:
        if one.dma is not None:
            copies.append(one.dma)
        elif one.kind in ("conv", "depthwise"):
            read.append(tuple(_stored_at(span, copies) for span in one.scales))
    places = " and ".join(str(first) for first, *_ in read)
    return Observed(len(set(read)) < len(read), f"the convolutions read biases at bytes {places} of the constants")


def _stored_at(span: Span, copies: list[Dma]) -> int:
    """Where in the constants it lies, or what was copied to it last."""
    for one in reversed(copies):
        start = span.address - one.destination.address
        if one.destination.region == span.region and 0 <= start < one.length_bytes:
            return one.source.address + start
    return span.address


MISCOMPILATION = Miscompilation(
    name="shared-weights",
    summary="Convolutions with equal weights and scales get the biases, and the weights' zero point, of the first one.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_two,
    others={"DEPTHWISE_CONV2D": _depthwise, "weights with other zero points, whatever their scales are": _zero_points},
    observe=_observe,
    cause=(
        "`EncodeWeightAndScaleTensor` (compiler/scheduler.cpp) encodes weights, scales and biases together, and keeps "
        "the result. It finds it again by the weights and the encoding's settings (`TensorCacheKey` in "
        "compiler/scheduler.hpp). These lack the weights' zero point. It then compares the output scales, but not "
        "the biases."
    ),
    effect="The results of the others are off by the difference of the biases or zero points.",
    workaround=(
        "For two of them, the RESCALE of one with equal scales for each channel. Vela takes "
        "these for other scales and encodes the biases again. For more of them, weights and their zero point that are "
        "larger or smaller by the same number. velatune's `separate-shared-weights` does both, and "
        "`channel-affine-as-depthwise` separates those that it makes."
    ),
    instead=lambda p: _two(p, apart=True),
)
