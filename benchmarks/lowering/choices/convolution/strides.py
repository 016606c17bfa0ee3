"""Convolutions that skip pixels."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []

_RECIPE = "space-to-depth,fuse-transposes,fold-channel-permutation,fuse-transposes,select-transposes"


@minimal(PROGRAMS, "space-to-depth", "`Conv2d(3, 32, 8, stride=8)`, ViT's patches", _RECIPE, (1, 3, 64, 64))
def patch_embedding() -> nn.Module:
    return nn.Conv2d(3, 32, 8, stride=8)


@minimal(
    PROGRAMS, "space-to-depth", "`Conv1d(1, 64, 256, stride=64)`, ReLU: a learned filter bank", _RECIPE, (1, 1, 1024)
)
def filter_bank() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.a(x).relu()

    return Net(function, a=nn.Conv1d(1, 64, 256, stride=64))
