"""Softmax: its largest value, and the difference to it."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Net

PROGRAMS: list[Minimal] = []


def _softmax() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        return n.a(x).softmax(dim=-1)

    return Net(function, a=nn.Linear(24, 48))


@minimal(PROGRAMS, "tree-reduce-max", "`Linear(24, 48)`, softmax: max(x)", "tree-reduce-max", (1, 64, 24))
def softmax_maximum() -> nn.Module:
    return _softmax()


@minimal(PROGRAMS, "factor-common-scale", "`Linear(24, 48)`, softmax: x - max(x)", "factor-common-scale", (1, 64, 24))
def softmax_difference() -> nn.Module:
    return _softmax()
