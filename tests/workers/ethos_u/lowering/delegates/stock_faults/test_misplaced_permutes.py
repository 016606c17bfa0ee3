"""A permutation that ExecuTorch puts on a constant is found, and nothing else is taken for one."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.delegate_calls import delegates
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.delegates.stock_faults.delegate_edges import check_edges
from workers.ethos_u.lowering.delegates.stock_faults.misplaced_permutes import misplaced_permutes
from workers.ethos_u.lowering.lowering import lower, lowered_program, quantised_program
from workers.ethos_u.target import Target
from workers.models.exported.tensors import tensors
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel

_TARGET = Target.parse("ethos-u55-128")


class AfterConv(nn.Module):
    def __init__(self, layer: nn.Module, then: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.layer, self.then = layer, then

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.then(self.layer(x))


def _complement(x: torch.Tensor) -> torch.Tensor:
    return 1 - torch.sigmoid(x)


def _model(then: Callable[[torch.Tensor], torch.Tensor], rank: int = 4, size: int = 9) -> ExportedModel:
    torch.manual_seed(0)
    layer, shape = (nn.Conv2d(3, 8, 3), (1, 3, size, size)) if rank == 4 else (nn.Conv1d(3, 8, 3), (1, 3, size))
    samples = [(torch.randn(shape),) for _ in range(3)]
    return export(SourceModel(AfterConv(layer, then), samples[0], samples, "net.py:net"))


@pytest.mark.parametrize("rank", [3, 4])
# With size 10, all dimensions have 8 elements: no shape says that they are mixed up.
@pytest.mark.parametrize("size", [9, 10])
def test_a_constant_less_a_convolution_is_refused(rank: int, size: int) -> None:
    with pytest.raises(
        ModelError, match=r"^net.py:net: .* the order of dimensions is lost .* -x \+ 1 instead of 1 - x"
    ):
        lower(_model(_complement, rank, size), _TARGET, seed=0)


def test_what_is_lost_inside_a_delegate_is_refused() -> None:
    with pytest.raises(ModelError, match="the order of dimensions is lost"):
        lower(_model(lambda x: (1.5 - x).flatten(1).softmax(1)), _TARGET, seed=0)


def test_the_cause_is_said_where_a_later_step_stops_at_the_shapes() -> None:
    # A column of each channel does not fit [1, 7, 7, 8], as the complement lies in memory.
    columns = torch.randn(1, 8, 1, 7)
    with pytest.raises(ModelError, match=r"cannot lower it .*; the order of dimensions is lost .* instead of 1 - x"):
        lower(_model(lambda x: _complement(x) + torch.arange(7.0) * columns), _TARGET, seed=0)


@pytest.mark.parametrize(
    "then",
    [
        lambda x: -torch.sigmoid(x) + 1,
        lambda x: 1.5 + x,
        lambda x: 1.5 * x,
        lambda x: x - 1.5,
        lambda x: (1 - torch.sigmoid(x)) * x,
        lambda x: (1.5 - x).mean((2, 3)),
    ],
    ids=["negated", "sum", "product", "subtrahend", "gate", "mean"],
)
def test_what_keeps_its_order_is_taken(then: Callable[[torch.Tensor], torch.Tensor]) -> None:
    model = _model(then)
    quantised = quantised_program(model, _TARGET, seed=0)
    with misplaced_permutes() as found:
        program = lowered_program(model, _TARGET, quantised)
    assert found == []
    lower(model, _TARGET, seed=0)
    (wanted,) = tensors(quantised.program.module(check_guards=False)(*quantised.samples[0]))
    (given,) = tensors(run_lowered(program.module(check_guards=False), quantised.samples[0]))
    assert np.corrcoef(wanted.reshape(-1), given.reshape(-1))[0, 1] > 0.99


def test_an_edge_with_dimensions_in_another_order_is_reported() -> None:
    model = _model(_complement)
    program = lowered_program(model, _TARGET, quantised_program(model, _TARGET, seed=0))
    with pytest.raises(
        ModelError, match=r"output 0 .* is int8 of \[1, 8, 7, 7\] in the program and lies in memory as \[1, 7, 7, 8\]"
    ):
        check_edges(delegates(program.graph_module), "net.py:net")
