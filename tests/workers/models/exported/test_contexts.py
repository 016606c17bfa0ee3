"""What runs under no_grad or an autocast without effect is part of the program's own graph, and computes the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy

import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.models.exported.contexts import has_contexts
from workers.models.model_source import export
from workers.models.types import SourceModel


class Inside(nn.Module):
    """A convolution outside a context, and a linear layer with a state inside."""

    def __init__(self, context: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self.context = context
        self.conv, self.linear = nn.Conv1d(2, 2, 3), nn.Linear(6, 3)
        self.register_buffer("last", torch.zeros(1, 2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        with self.context():
            z = self.linear(y) + self.last
            self.last.copy_(z)
            return torch.relu(z) * 2


def off() -> AbstractContextManager[None]:
    return torch.autocast("cpu", enabled=False)


@pytest.mark.parametrize("context", [torch.no_grad, off])
def test_the_part_is_in_the_graph(context: Callable[[], AbstractContextManager[None]]) -> None:
    torch.manual_seed(0)
    inputs = (torch.randn(1, 2, 8),)
    net = Inside(context)
    alone = deepcopy(net)  # a program shares its state with the module that it is exported from
    model = export(SourceModel(net, inputs, None, "net"))
    assert not has_contexts(model.program)
    named = {str(node.target) for node in model.program.graph.nodes}
    assert {"aten.conv1d.default", "aten.linear.default", "aten.relu.default"} <= named
    program = model.program.module(check_guards=False)
    for _ in range(2):
        assert torch.equal(program(*inputs), alone(*inputs))


def test_an_autocast_that_takes_effect_is_refused() -> None:
    net = Inside(lambda: torch.autocast("cpu", dtype=torch.bfloat16))
    with pytest.raises(ModelError, match=r"net: computes under torch.autocast in torch.bfloat16, which .* enabled="):
        export(SourceModel(net, (torch.randn(1, 2, 8),), None, "net"))
