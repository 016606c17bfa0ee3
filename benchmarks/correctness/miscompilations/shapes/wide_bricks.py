"""Sums of 48 bits that are written as words of 32 bits and read as numbers of 64."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_CHANNELS, _COLUMNS = 2, 2
_SCALES = 24453, 26396
_SHIFT = 28


def _scaled_twice(p: Program, times: int = 2, apart: bool = False) -> tuple[int, ...]:
    """A depthwise convolution with `times` results for each channel, in two scales. apart: by a convolution each."""
    data, channels = p.input(1, 1, _COLUMNS, _CHANNELS, dtype="INT16"), _CHANNELS * times
    weights, bias = p.random.integers(-127, 128, (1, 1, _CHANNELS, times)), p.bias(channels, wide=True)

    def convolved() -> int:
        operands = data, p.data(weights, "INT8"), bias, p.data(0, "INT16"), p.data(0, "INT8")
        return p.op(
            "DEPTHWISE_CONV2D", operands, (1, 1, _COLUMNS, channels), "INT48", pad=(0, 0, 0, 0), stride=(1, 1),
            dilation=(1, 1), local_bound=False, acc_type="INT48",
        )  # fmt: skip

    sums = convolved()
    return tuple(p.rescale_by(convolved() if apart else sums, "INT16", scale, _SHIFT) for scale in _SCALES)


def _observe(compiled: Compiled) -> Observed:
    """Whether a tensor in bricks is read with elements of another width than it was written with last."""
    written: dict[tuple[int, int], int] = {}
    for one in computing(compiled):
        read = one.ifm2  # data of 32 and 64 bits come through it
        if read is not None and read.addresses and read.format == "NHCWB16":
            width = written.get((read.region, read.addresses[0]), read.element_bytes)
            if width != read.element_bytes:
                return Observed(True, f"bricks written with {width} bytes an element, read with {read.element_bytes}")
        if one.ofm is not None and one.ofm.addresses and one.ofm.format == "NHCWB16":
            written[one.ofm.region, one.ofm.addresses[0]] = one.ofm.element_bytes
    return Observed(False, "bricks are read as they were written")


MISCOMPILATION = Miscompilation(
    name="wide-bricks",
    summary=(
        "The INT48 sums of a DEPTHWISE_CONV2D are read from wrong places. It has several results for each of two "
        "channels, two columns, and sums that two RESCALEs read."
    ),
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_scaled_twice,
    others={"three results for each channel": lambda p: _scaled_twice(p, 3)},
    observe=_observe,
    cause=(
        "`DecomposeDepthwiseConv2D` (compiler/scheduler_decompose.cpp) computes one result of all channels after the "
        "other, and transposes them. Sums that are not fused with one RESCALE have 64 bits. `DecomposeTranspose` in "
        "the same file moves these as two words of 32 bits. `UpdateSchedulerTensor` (compiler/scheduler.cpp) takes "
        "bricks (NHCWB16) if writer and reader have the same columns and channels. It does not compare their types. "
        "C channels of M words each are C columns of 2 M channels to the writer. They are W columns of C M "
        "channels to the reader. With C = W = 2 these are equal."
    ),
    effect="A brick has 64 bytes for the writer and 128 for the reader. Most results are other values.",
    workaround="A convolution for each RESCALE, with which Vela fuses it.",
    instead=lambda p: _scaled_twice(p, apart=True),
)
