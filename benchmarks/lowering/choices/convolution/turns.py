"""Windows over data that are taller than wide."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


@minimal(
    PROGRAMS,
    "swap-height-width",
    "two `Conv2d(64, 64, 3)` of 25x5 pixels, ReLU between, mean",
    "swap-height-width,sink-transposes,fuse-transposes,sum-as-depthwise",
    (1, 64, 25, 5),
)
def tall() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.a(x).relu()).mean((2, 3))

    return Net(function, a=nn.Conv2d(64, 64, 3, padding=1), b=nn.Conv2d(64, 64, 3, padding=1))
