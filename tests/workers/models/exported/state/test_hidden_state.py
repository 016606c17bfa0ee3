"""State that torch.export does not see is refused; state in buffers, and what only looks like state, is taken."""

from typing import Any

import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.models.model_source import export
from workers.models.types import SourceModel


class Remembers(nn.Module):
    """A net that remembers something in one of the ways in which people do."""

    mean: torch.Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.calls, self.table = how, 0, None
        self.past: list[Any] = []
        self.last = torch.zeros(1, 4)
        self.layer = nn.Linear(4, 4)
        self.register_buffer("mean", torch.zeros(1, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        match self.how:
            case "count in an attribute":
                self.calls += 1
                x = x * self.calls
            case "list":
                self.past.append(x)
                x = x + self.past[-2] if len(self.past) > 1 else x
            case "assigned .data":
                self.mean.data = 0.9 * self.mean + 0.1 * x
                x = x - self.mean
            case "assigned buffer":
                self.mean = 0.9 * self.mean + 0.1 * x
                x = x - self.mean
            case "written buffer":
                self.mean.copy_(0.9 * self.mean + 0.1 * x)
                x = x - self.mean
            case "count that nobody reads":
                self.calls += 1
            case "table made once":
                self.table = torch.arange(4.0) if self.table is None else self.table
                x = x + self.table
            case "random":
                x = x + torch.rand(1, 4)
        return self.layer(x)


def _exported(how: str) -> Any:
    torch.manual_seed(0)
    return export(SourceModel(Remembers(how), (torch.randn(1, 4),), None, "net.py:net")).program


@pytest.mark.parametrize("how", ["count in an attribute", "list", "assigned .data"])
def test_state_outside_of_written_buffers_is_refused(how: str) -> None:
    with pytest.raises(ModelError, match=r"^net.py:net: its exported program computes something else from the second"):
        _exported(how)


@pytest.mark.parametrize(
    "how",
    ["assigned buffer", "written buffer", "count that nobody reads", "table made once", "random", "no state"],
)
def test_what_the_exported_program_keeps_is_taken(how: str) -> None:
    program, twin = _exported(how), Remembers(how)
    twin.load_state_dict({name: program.state_dict.get(name, value) for name, value in twin.state_dict().items()})
    module = program.module(check_guards=False)
    for seed in range(3):
        x = torch.randn(1, 4)
        torch.manual_seed(seed)
        expected = twin(x)
        torch.manual_seed(seed)
        torch.testing.assert_close(module(x), expected)
