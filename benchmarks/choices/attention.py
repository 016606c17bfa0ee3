"""Minimal programs of the choices for attention."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.choices.minimal import Minimal, minimal
from benchmarks.nets import Net

PROGRAMS: list[Minimal] = []


@minimal(
    PROGRAMS,
    "split-projection",
    "q, k = Linear(x), sliced apart and split into heads; q @ k^T",
    "remove-noops,fold-constants,fuse-transposes,split-projection,sink-moves,settle-moves,fuse-transposes,plan-moves",
    (1, 64, 32),
)
def scores_of_heads() -> nn.Module:
    return Net(_scores, linear=nn.Linear(32, 128))


def _scores(net: nn.Module, x: Tensor) -> Tensor:
    q, k = net.linear(x).reshape(1, 64, 2, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)
    return q @ k.transpose(-2, -1)
