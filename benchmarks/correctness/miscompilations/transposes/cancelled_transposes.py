"""TRANSPOSEs that cancel each other, before a RESHAPE."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import size, windows
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_HEIGHT, _WIDTH, _CHANNELS = 4, 6, 8
_TO_CHANNELS_FIRST, _BACK = (0, 3, 1, 2), (0, 2, 3, 1)


def _pixels(p: Program, depthwise: bool = False, left_out: bool = False) -> int:
    """A convolution whose pixels are put one after another, by way of NCHW. left_out: without the TRANSPOSEs."""
    value = p.conv(p.input(1, _HEIGHT, _WIDTH, _CHANNELS), _CHANNELS, (3, 3), depthwise=depthwise)
    if not left_out:
        value = p.transpose(p.transpose(value, *_TO_CHANNELS_FIRST), *_BACK)
    return p.reshape(value, 1, _HEIGHT * _WIDTH, _CHANNELS)


def _observe(compiled: Compiled) -> Observed:
    """What the convolution writes."""
    one = next(one for _, one in windows(compiled))
    assert one.ifm is not None and one.ofm is not None
    says = f"the convolution reads {size(one.ifm.shape)} and writes {size(one.ofm.shape)}"
    return Observed(one.ofm.shape != (_HEIGHT, _WIDTH, _CHANNELS), says)


MISCOMPILATION = Miscompilation(
    name="cancelled-transposes",
    summary=(
        "TRANSPOSEs that cancel each other before a RESHAPE leave the operation before them with the shape after it."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": ()},
    make=_pixels,
    others={"DEPTHWISE_CONV2D": lambda p: _pixels(p, depthwise=True)},
    observe=_observe,
    cause=(
        "`RemoveReshape` (compiler/graphir_optimiser.cpp) gives the tensor before the RESHAPE the shape after it. "
        "`MergeTransposes` in the same file makes one TRANSPOSE of several, and removes it if it moves nothing. It "
        "connects the operation before it to that tensor without a shape. So the connection takes the tensor's. 5.2.0 "
        "keeps the shape that the connection had."
    ),
    effect=(
        "A convolution or pool computes windows at other places than its own. On Ethos-U85 an elementwise operation "
        "can take one element of its operand for all."
    ),
    workaround="The TRANSPOSEs left out. velatune's `fuse-transposes` does so.",
    instead=lambda p: _pixels(p, left_out=True),
)
