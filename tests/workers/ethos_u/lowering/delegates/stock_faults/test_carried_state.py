"""State that gets lost between the quantised program and the lowered one is refused."""

import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.target import Target
from workers.models.model_source import export
from workers.models.types import SourceModel


class Delayed(nn.Module):
    """A net that adds its output of two runs ago."""

    new: torch.Tensor
    old: torch.Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.layer = how, nn.Conv1d(4, 4, 3, padding=1)
        self.register_buffer("new", torch.zeros(1, 4, 8))
        self.register_buffer("old", torch.zeros(8, 4))
        self.register_buffer("both", torch.zeros(1, 8, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.how == "in two buffers":
            y = self.layer(x) + self.old.view(1, 4, 8)
            self.old.copy_(self.new.view(8, 4))
            self.new.copy_(y)
        else:
            y = self.layer(x) + self.both[:, :4]
            self.both.copy_(torch.cat([self.both[:, 4:], y], 1))
        return y


def _lowered(how: str) -> None:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 4, 8),) for _ in range(4)]
    lower(export(SourceModel(Delayed(how), samples[0], samples, "net.py:net")), Target.parse("ethos-u55-128"), seed=0)


def test_a_buffer_that_gets_a_later_value_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^net.py:net: .* from its second run on: buffer old is not what the model"):
        _lowered("in two buffers")


def test_state_in_one_buffer_is_taken() -> None:
    _lowered("in one buffer")
