"""Convolutions with dilation."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.choices.minimal import Minimal, minimal
from benchmarks.nets import Net

PROGRAMS: list[Minimal] = []


@minimal(
    PROGRAMS,
    "dilation-to-grid",
    "two `Conv1d(32, 32, 3, dilation=8)`, ReLU between",
    "fuse-transposes,dilation-to-grid,fuse-transposes,plan-moves",
    (1, 32, 128),
)
def context() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x).relu())

    return Net(function, a=nn.Conv1d(32, 32, 3, padding=8, dilation=8), b=nn.Conv1d(32, 32, 3, padding=8, dilation=8))
