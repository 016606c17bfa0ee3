"""Minimal programs on which Vela copies data into concatenations or out of slices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.choices.minimal import Minimal, minimal
from benchmarks.nets import Net

PROGRAMS: list[Minimal] = []

_IMAGE = (1, 8, 24, 24)


def _conv(channels: int, out: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2)


@minimal(PROGRAMS, "copy-by-conv", "conv, and a conv of it, concatenated; conv", "sink-moves,copy-by-conv", _IMAGE)
def skip_connection() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x).relu()
        return n.c(torch.cat((a, n.b(a).relu()), 1))

    return Net(function, a=_conv(8, 24), b=_conv(24, 24), c=_conv(48, 8))


@minimal(
    PROGRAMS, "flatten-concat", "dense block: what was concatenated is concatenated again",
    "sink-moves,flatten-concat", _IMAGE,
)  # fmt: skip
def dense_block() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x).relu()
        left = torch.cat((n.b(a), n.c(a)), 1)
        return n.e(torch.cat((left, n.d(a)), 1))

    return Net(function, a=_conv(8, 16), b=_conv(16, 12, 1), c=_conv(16, 12), d=_conv(16, 12), e=_conv(36, 8, 1))


@minimal(
    PROGRAMS, "slices-into-weights", "conv, split in two, a conv of each, concatenated, conv",
    "sink-moves,slices-into-weights", _IMAGE,
)  # fmt: skip
def split_channels() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        left, right = n.a(x).relu().chunk(2, 1)
        return n.d(torch.cat((n.b(left).relu(), n.c(right).relu()), 1))

    return Net(function, a=_conv(8, 24), b=_conv(12, 12, 1), c=_conv(12, 12), d=_conv(24, 8, 1))


@minimal(
    PROGRAMS, "slices-into-weights", "conv, grouped conv, conv", "sink-moves,slices-into-weights", _IMAGE
)  # fmt: skip
def grouped_conv() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.b(n.a(x).relu()).relu()),
        a=_conv(8, 24), b=nn.Conv2d(24, 24, 3, padding=1, groups=4), c=_conv(24, 8, 1),
    )  # fmt: skip
