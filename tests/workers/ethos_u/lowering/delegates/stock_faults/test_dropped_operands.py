"""A concatenation that loses operands is found, and nothing else is taken for one."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.delegates.stock_faults.dropped_operands import dropped_operands
from workers.ethos_u.lowering.lowering import lower, lowered_program, quantised_program
from workers.ethos_u.target import Target
from workers.models.exported.tensors import tensors
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel

_TARGET = Target.parse("ethos-u55-128")


class Joined(nn.Module):
    def __init__(self, then: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.one, self.other, self.then = nn.Linear(16, 16), nn.Linear(16, 16), then

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.then(self.one(x)[:, None], self.other(x)[:, None])


def _model(then: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> ExportedModel:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 16),) for _ in range(3)]
    return export(SourceModel(Joined(then), samples[0], samples, "net.py:net"))


def test_the_same_tensor_twice_is_refused() -> None:
    with pytest.raises(
        ModelError,
        match=r"^net.py:net: .* computes something else: .* takes it once \(test_dropped_operands.py, line \d+\)",
    ):
        lower(_model(lambda x, y: torch.cat([x, y, x], 1).transpose(1, 2)), _TARGET, seed=0)


def test_advice_is_given_where_a_later_step_stops() -> None:
    # Three columns for a product that has two is an error of a step that does not know what was dropped.
    weight = torch.randn(3, 5)
    with pytest.raises(ModelError, match=r"cannot lower it .*; torch.cat .* takes it once .*; repeat the tensor"):
        lower(_model(lambda x, y: torch.cat([x, x, y], 1).transpose(1, 2) @ weight), _TARGET, seed=0)


@pytest.mark.parametrize(
    "then",
    [
        lambda x, y: x.repeat(1, 2, 1).transpose(1, 2),
        lambda x, y: torch.cat([x, y], 1).transpose(1, 2),
        lambda x, y: torch.cat([x, x], 1) + y,
    ],
    ids=["repeated", "two tensors", "not permuted"],
)
def test_what_keeps_its_operands_is_taken(then: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    model = _model(then)
    quantised = quantised_program(model, _TARGET, seed=0)
    with dropped_operands() as found:
        program = lowered_program(model, _TARGET, quantised)
    assert found == []
    (wanted,) = tensors(quantised.program.module(check_guards=False)(*quantised.samples[0]))
    (given,) = tensors(run_lowered(program.module(check_guards=False), quantised.samples[0]))
    assert given.shape == wanted.shape
    assert (given - wanted).abs().max() <= 0.05 * wanted.abs().max()
