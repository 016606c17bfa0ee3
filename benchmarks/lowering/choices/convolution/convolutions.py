"""Minimal programs for choices that make convolutions of something else, or of other convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []

_IMAGE = (1, 3, 48, 48)


@minimal(
    PROGRAMS,
    "transpose-as-conv",
    "an image of 3 planes, conv of stride 2, pooled, linear",
    "transpose-as-conv",
    _IMAGE,
)
def image_of_three_planes() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.linear(n.pool(n.conv(x).relu()).flatten(1))

    conv = nn.Conv2d(3, 16, 3, stride=2, padding=1)
    return Net(function, conv=conv, pool=nn.AvgPool2d(8), linear=nn.Linear(16 * 9, 8))


@minimal(
    PROGRAMS,
    "transpose-as-conv",
    "convs whose result is an image of 3 planes",
    "transpose-as-conv",
    (1, 16, 32, 32),
)
def image_out() -> nn.Module:
    return Net(lambda n, x: n.b(n.a(x)), a=nn.Conv2d(16, 16, 3, padding=1), b=nn.Conv2d(16, 3, 3, padding=1))


@minimal(
    PROGRAMS,
    "transposed-conv-to-subpixel",
    "conv, `ConvTranspose2d(k=2, s=2)`, conv",
    "transposed-conv-to-subpixel",
    (1, 24, 16, 16),
)
def twice_as_large() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.up(n.a(x))),
        a=nn.Conv2d(24, 24, 1), up=nn.ConvTranspose2d(24, 16, 2, stride=2), b=nn.Conv2d(16, 8, 3, padding=1),
    )  # fmt: skip


@minimal(
    PROGRAMS,
    "transposed-conv-to-subpixel",
    "`ConvTranspose2d(k=4, s=2, p=1)`, twice",
    "transposed-conv-to-subpixel",
    (1, 32, 8, 8),
)
def generator() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x).relu()),
        a=nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), b=nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
    )  # fmt: skip


@minimal(PROGRAMS, "widen-conv", "3x3 convs of 12 channels, then of 16", "widen-conv", (1, 12, 32, 32))
def twelve_channels() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.b(n.a(x).relu()).relu()),
        a=nn.Conv2d(12, 12, 3, padding=1), b=nn.Conv2d(12, 12, 3, padding=1), c=nn.Conv2d(12, 16, 1),
    )  # fmt: skip


@minimal(
    PROGRAMS, "depthwise-as-conv", "conv, depthwise 3x3 of 8 channels, 1x1 conv", "depthwise-as-conv", (1, 4, 48, 48)
)
def eight_channels_by_themselves() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.b(n.a(x).relu()).relu()),
        a=nn.Conv2d(4, 8, 3, stride=2, padding=1), b=nn.Conv2d(8, 8, 3, padding=1, groups=8), c=nn.Conv2d(8, 16, 1),
    )  # fmt: skip


@minimal(
    PROGRAMS,
    "widen-conv",
    "`Conv2d(1, 8, (1, 64), padding=(0, 32))` of 16 electrodes and 128 samples: 129 results, 136 are computed",
    "widen-conv",
    (1, 1, 16, 128),
)
def a_prime_number_of_results() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x).relu()),
        a=nn.Conv2d(1, 8, (1, 64), padding=(0, 32)), b=nn.Conv2d(8, 16, (16, 1)),
    )  # fmt: skip


@minimal(
    PROGRAMS,
    "depthwise-as-conv",
    "1x1 conv, depthwise 3x3 of 16 channels with 2 results for each, 1x1 conv",
    "depthwise-as-conv{grouped=true}",
    (1, 4, 16, 16),
)
def two_results_for_each_channel() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.b(n.a(x).relu()).relu()),
        a=nn.Conv2d(4, 16, 1), b=nn.Conv2d(16, 32, 3, padding=1, groups=16), c=nn.Conv2d(32, 16, 1),
    )  # fmt: skip


@minimal(
    PROGRAMS, "depthwise-as-conv", "conv, depthwise 7x7 of 32 channels (ConvNeXt), 1x1 conv",
    "sink-transposes,depthwise-as-conv{grouped=true}", (1, 4, 48, 48),
)  # fmt: skip
def large_kernels() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.b(n.a(x).relu()).relu()),
        a=nn.Conv2d(4, 32, 2, stride=2), b=nn.Conv2d(32, 32, 7, padding=3, groups=32), c=nn.Conv2d(32, 16, 1),
    )  # fmt: skip


@minimal(
    PROGRAMS,
    "avg-pool-as-depthwise",
    "conv, `AvgPool2d(3, stride=1)`, 1x1 conv",
    "avg-pool-as-depthwise",
    (1, 4, 32, 32),
)
def averages_of_neighbours() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.pool(n.a(x).relu())),
        a=nn.Conv2d(4, 16, 3, padding=1), pool=nn.AvgPool2d(3, stride=1), b=nn.Conv2d(16, 16, 1),
    )  # fmt: skip


@minimal(
    PROGRAMS,
    "conv-along-width",
    "`Conv2d(16, 16, (63, 1))` of a column of 128 pixels, as a pitch tracker has them",
    "conv-along-width,fuse-transposes",
    (1, 16, 128, 1),
)
def column() -> nn.Module:
    return nn.Conv2d(16, 16, (63, 1), padding=(31, 0))
