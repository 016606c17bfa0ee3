"""PAD before a RESHAPE and a convolution."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import size, windows
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_HEIGHT, _WIDTH, _CHANNELS, _TAPS = 4, 6, 16, 3
_ROWS = (_HEIGHT + 2) * _WIDTH


def _rows_of_pixels(p: Program, copied: bool = False) -> int:
    """An image with a row of zeros above and below it, its rows one after another, and a convolution along them."""
    value = p.input(1, _HEIGHT, _WIDTH, _CHANNELS)
    padded = _padded(p, value, (0, 0, 1, 1, 0, 0, 0, 0))
    moved = p.reshape(p.every_value_by_table(padded) if copied else padded, 1, _ROWS, 1, _CHANNELS)
    return p.conv(moved, _CHANNELS, (_TAPS, 1), padded=False)


def _one_channel(p: Program) -> int:
    """An image of one channel as PyTorch gives it, brought to NHWC by a TRANSPOSE that moves no element."""
    padded = _padded(p, p.input(1, 1, _HEIGHT, _WIDTH), (0, 0, 0, 0, 1, 1, 0, 0))
    return p.conv(p.transpose(padded, 0, 2, 3, 1), 1, (_TAPS, _TAPS), padded=False)


def _padded(p: Program, value: int, padding: tuple[int, ...]) -> int:
    sizes = zip(p.shape(value), padding[::2], padding[1::2], strict=True)
    return p.op("PAD", (value, p.data(0, "INT8")), tuple(map(sum, sizes)), padding=padding)


def _observe(compiled: Compiled) -> Observed:
    """Whether a window sees padding alone, which none of the programs has."""
    one = next(one for _, one in windows(compiled) if one.weights)
    assert one.ifm is not None and one.padding is not None and one.kernel is not None
    below, right = one.padding.bottom, one.padding.right
    says = f"an IFM of {size(one.ifm.shape)}, padded by {below} rows below it and {right} columns on the right"
    return Observed(below >= one.kernel.height or right >= one.kernel.width, says)


MISCOMPILATION = Miscompilation(
    name="reshaped-padding",
    summary="CONV2D or DEPTHWISE_CONV2D reads the shape before a RESHAPE if that is between a PAD and it.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": ()},
    make=_rows_of_pixels,
    others={"a TRANSPOSE of one channel, which moves no element": _one_channel},
    observe=_observe,
    cause=(
        "`RemoveReshape` (compiler/graphir_optimiser.cpp) lets the convolution read PAD's result, in its own shape. "
        "`ReplacePadByExplicitPadding` in the same file then gives it PAD's input connection, with the shape of that. "
        "In 5.2.0 it does not if PAD's result has another height or width than the convolution reads. Where batch and "
        "channels alone differ, 5.2.0 still does."
    ),
    effect="The convolution sees other elements in its windows, and more padding.",
    workaround="An operation between PAD and RESHAPE, such as a TABLE with every value at its own place.",
    instead=lambda p: _rows_of_pixels(p, copied=True),
)
