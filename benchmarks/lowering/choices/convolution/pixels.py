"""Convolutions of single pixels."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


@minimal(PROGRAMS, "flatten-pixels", "`Linear(96, 384)` of 65 tokens", "fuse-transposes,flatten-pixels", (65, 96))
def linear_of_tokens() -> nn.Module:
    return nn.Linear(96, 384)


@minimal(
    PROGRAMS,
    "block-diagonal-conv",
    "`Linear(32, 64)` of 256 tokens, ReLU",
    "fuse-transposes,block-diagonal-conv",
    (256, 32),
)
def linear_of_few_channels() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.a(x).relu()

    return Net(function, a=nn.Linear(32, 64))
