"""Minimal programs on which Vela copies data into concatenations or out of slices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []

_IMAGE = (1, 8, 24, 24)


def _conv(channels: int, out: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2)


@minimal(
    PROGRAMS,
    "identity-conv-copy",
    "conv, and a conv of it, concatenated; conv",
    "sink-transposes,identity-conv-copy",
    _IMAGE,
)
def skip_connection() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x).relu()
        return n.c(torch.cat((a, n.b(a).relu()), 1))

    return Net(function, a=_conv(8, 24), b=_conv(24, 24), c=_conv(48, 8))


@minimal(
    PROGRAMS, "flatten-concat", "dense block: what was concatenated is concatenated again",
    "sink-transposes,flatten-concat", _IMAGE,
)  # fmt: skip
def dense_block() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x).relu()
        left = torch.cat((n.b(a), n.c(a)), 1)
        return n.e(torch.cat((left, n.d(a)), 1))

    return Net(function, a=_conv(8, 16), b=_conv(16, 12, 1), c=_conv(16, 12), d=_conv(16, 12), e=_conv(36, 8, 1))


@minimal(
    PROGRAMS, "fold-channel-slice", "conv, split in two, a conv of each, added, conv",
    "sink-transposes,fold-channel-slice", _IMAGE,
)  # fmt: skip
def split_channels() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        left, right = n.a(x).relu().chunk(2, 1)
        return n.d(n.b(left).relu() + n.c(right).relu())

    return Net(function, a=_conv(8, 48), b=_conv(24, 24, 1), c=_conv(24, 24, 1), d=_conv(24, 8, 1))


@minimal(
    PROGRAMS, "merge-slices", "ShuffleNetV2: split in two, a conv of one half, concatenated, shuffled; three times",
    "sink-transposes,fold-channel-permutation,merge-slices", _IMAGE,
)  # fmt: skip
def shuffled_halves() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        value = n.a(x).relu()
        for conv in (n.b, n.c, n.d):
            left, right = value.chunk(2, 1)
            value = (
                torch.cat((left, conv(right).relu()), 1).view(1, 2, 24, 24, 24).transpose(1, 2).reshape(1, 48, 24, 24)
            )
        return n.e(value)

    return Net(function, a=_conv(8, 48), b=_conv(24, 24, 1), c=_conv(24, 24, 1), d=_conv(24, 24, 1), e=_conv(48, 8, 1))
