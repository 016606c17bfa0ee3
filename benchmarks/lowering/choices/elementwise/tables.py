"""Functions of one int8 value."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


@minimal(PROGRAMS, "table", "`Conv2d(8, 16, 3)`, PReLU with one slope, `Conv2d(16, 8, 3)`", "table", (1, 8, 16, 16))
def prelu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 16, 3), nn.PReLU(), nn.Conv2d(16, 8, 3))


@minimal(PROGRAMS, "table", "`Linear(24, 48)`, LayerNorm, `Linear(48, 24)`: x - mean squared", "table", (1, 64, 24))
def layer_norm() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.b(n.norm(n.a(x)))

    return Net(function, a=nn.Linear(24, 48), norm=nn.LayerNorm(48), b=nn.Linear(48, 24))


@minimal(
    PROGRAMS,
    "identity-max-before-table",
    "`Linear(24, 96)`, GLU: sigmoid of a half",
    "identity-max-before-table",
    (1, 64, 24),
)
def gated() -> nn.Module:
    return nn.Sequential(nn.Linear(24, 96), nn.GLU(dim=-1))


@minimal(
    PROGRAMS,
    "unary-through-concat-slice",
    "conv of the sigmoid of two concatenated convs",
    "unary-through-concat-slice{up=true}",
    (1, 8, 16, 16),
)
def sigmoid_of_concat() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.c(torch.cat([n.a(x), n.b(x)], dim=1).sigmoid())

    return Net(function, a=nn.Conv2d(8, 16, 3), b=nn.Conv2d(8, 16, 3), c=nn.Conv2d(32, 8, 1))


@minimal(
    PROGRAMS,
    "prelu",
    "`Conv2d(8, 16, 3)`, PReLU with a slope for each channel, `Conv2d(16, 8, 3)`",
    "fold-constants,prelu,identity-max-before-table",
    (1, 8, 16, 16),
)
def prelu_per_channel() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 16, 3), nn.PReLU(16), nn.Conv2d(16, 8, 3))


class RisingPRelu(nn.Module):
    """PReLU with slopes of a trained net's size: none is negative."""

    slopes: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("slopes", torch.linspace(0.05, 0.4, channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.prelu(x, self.slopes)


@minimal(
    PROGRAMS,
    "unary-through-max-pool",
    "`Conv2d(3, 16, 3)`, PReLU with a slope for each channel, max pool by 2x2, conv (MTCNN)",
    "sink-transposes,fold-constants,unary-through-max-pool,prelu",
    (1, 3, 34, 34),
)
def prelu_and_pool() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3), RisingPRelu(16), nn.MaxPool2d(2), nn.Conv2d(16, 8, 1))
