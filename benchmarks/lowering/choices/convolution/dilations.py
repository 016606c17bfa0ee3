"""Convolutions with dilation."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []

_GRID = "space-to-batch,fuse-transposes,select-transposes"


@minimal(
    PROGRAMS,
    "space-to-batch",
    "two `Conv1d(32, 32, 3, dilation=8)`, ReLU between",
    f"fuse-transposes,{_GRID}",
    (1, 32, 128),
)
def context() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x).relu())

    return Net(function, a=nn.Conv1d(32, 32, 3, padding=8, dilation=8), b=nn.Conv1d(32, 32, 3, padding=8, dilation=8))


@minimal(
    PROGRAMS,
    "fold-pad-into-conv",
    "two `Conv1d(32, 32, 3, dilation=8)`, each padded on the left, ReLU between",
    f"sink-transposes,fold-pad-into-conv,{_GRID}",
    (1, 32, 128),
)
def causal() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x).relu())

    def layer() -> nn.Module:
        return nn.Sequential(nn.ConstantPad1d((16, 0), 0), nn.Conv1d(32, 32, 3, dilation=8))

    return Net(function, a=layer(), b=layer())
