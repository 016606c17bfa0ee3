"""Means over pixels."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


def _mean(n: Net, x: Tensor) -> Tensor:
    return n.a(x).mean((2, 3))


@minimal(
    PROGRAMS,
    "sum-as-depthwise",
    "`Conv2d(1, 8, 3)` of 128x200 pixels, mean: more rows than a kernel has",
    "fuse-transposes,sum-as-depthwise{both_axes=true}",
    (1, 1, 128, 200),
)
def many_rows() -> nn.Module:
    return Net(_mean, a=nn.Conv2d(1, 8, 3, padding=1))


@minimal(
    PROGRAMS,
    "tree-reduce-sum",
    "`Conv2d(64, 128, 1)` of 14x14 pixels, mean",
    "fuse-transposes,sum-as-depthwise,tree-reduce-sum",
    (1, 64, 14, 14),
)
def few_rows() -> nn.Module:
    return Net(_mean, a=nn.Conv2d(64, 128, 1))
