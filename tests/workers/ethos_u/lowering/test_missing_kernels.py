"""Operators on the CPU that ExecuTorch has no kernel for are reported before a search."""

from __future__ import annotations

import torch
from torch import nn

from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.target import Target
from workers.models.model_source import export
from workers.models.types import SourceModel


class Sorted(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x).sort(1)[0]


class Largest(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x).topk(2)[0]


def test_an_operator_without_a_kernel_is_reported() -> None:
    own = [(torch.rand(1, 4),)]
    sort, topk = (
        lower(export(SourceModel(net, own[0], own, "net.py:net")), Target.parse("ethos-u55-128"), seed=0).warnings
        for net in (Sorted(), Largest())
    )
    assert len(sort) == 1 and "which lack aten::sort.values;" in sort[0]
    assert topk == ()
