"""Transposes that have to be done."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []

_RECIPE = "sum-as-depthwise,fuse-transposes,transpose-as-conv"


@minimal(PROGRAMS, "transpose-as-conv", "`Conv2d(3, 16, 3)` of an NCHW image, mean", _RECIPE, (1, 3, 64, 64))
def image_stem() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.a(x).mean((2, 3))

    return Net(function, a=nn.Conv2d(3, 16, 3, padding=1))


@minimal(
    PROGRAMS,
    "split-output-channels",
    "`Conv2d(3, 32, 3)`, `Conv2d(32, 45, 1)`: 3 anchors of 15 fields, one after the other",
    "fuse-transposes,split-output-channels,transpose-as-conv",
    (1, 3, 16, 16),
)
def detector_head() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x)).view(1, 3, 15, 256).permute(0, 1, 3, 2)

    return Net(function, a=nn.Conv2d(3, 32, 3, padding=1), b=nn.Conv2d(32, 45, 1))


@minimal(PROGRAMS, "transpose-as-conv", "conv, `PixelShuffle(2)`: two convolutions", _RECIPE, (1, 8, 16, 16))
def pixel_shuffle() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x))

    return Net(function, a=nn.Conv2d(8, 12, 3, padding=1), b=nn.PixelShuffle(2))


@minimal(
    PROGRAMS,
    "transpose-as-conv",
    "`Conv1d(64, 64, 3)` of 128 steps: two convolutions of 8 rows each",
    "transpose-as-conv",
    (1, 64, 128),
)
def many_channels_of_a_signal() -> nn.Module:
    return nn.Conv1d(64, 64, 3, padding=1)
