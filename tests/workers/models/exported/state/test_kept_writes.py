"""Writes in place that ExecuTorch's quantiser loses, and those that it keeps."""

import numpy as np
import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.lowering.lowering import quantised_program
from workers.ethos_u.target import Target
from workers.models.exported.shared_memory import writes_for_others
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel

U55 = Target.parse("ethos-u55-128")


class Writes(nn.Module):
    """A net that writes in place in one of the ways in which people do."""

    state: torch.Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.layer = how, nn.Conv1d(4, 4, 3, padding=1)
        self.register_buffer("state", torch.zeros(1, 4, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        match self.how:
            case "scaled view":
                y[:, :2].mul_(3.0)
            case "assigned view":
                y[:, :2] = y[:, 2:] * 3
            case "activated view":
                y[:, 1:3].sigmoid_()
            case "twice":
                self.state.mul_(0.5)
                self.state.copy_(self.state + y)
                y = self.state * 1
            case "whole value":
                y.mul_(3.0).relu_()
            case "state":
                y = y + self.state
                self.state.copy_(y)
        return y


def _model(how: str) -> ExportedModel:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 4, 8),) for _ in range(3)]
    return export(SourceModel(Writes(how).eval(), samples[0], samples, "net.py:net"))


@pytest.mark.parametrize("how", ["scaled view", "assigned view", "activated view", "twice"])
def test_a_write_that_does_not_reach_every_reader_is_refused(how: str) -> None:
    with pytest.raises(ModelError, match=r"what is written in place does not reach them all \(test_kept_writes.py, "):
        quantised_program(_model(how), U55, seed=0)


@pytest.mark.parametrize(("how", "for_others"), [("whole value", 0), ("state", 1), ("no write", 0)])
def test_a_write_that_reaches_its_readers_is_taken(how: str, for_others: int) -> None:
    model = _model(how)
    assert len(writes_for_others(model.program)) == for_others
    quantised = quantised_program(model, U55, seed=0)
    wanted, found = (one.module(check_guards=False) for one in (model.program, quantised.program))
    for sample in quantised.samples[:2]:  # the second run starts with the state of the first
        expected, given = (module(*[one.clone() for one in sample]).numpy() for module in (wanted, found))
        assert np.abs(expected - given).max() < 0.1 * np.abs(expected).max()


class Counts(nn.Module):
    """A net whose output depends on how often it was run."""

    count: torch.Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.layer = how, nn.Conv1d(4, 4, 3, padding=1)
        self.register_buffer("count", torch.ones(1, dtype=torch.int64 if how.endswith("in int64") else torch.int32))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        match self.how:
            case "by a constant":
                self.count.add_(1)
            case "by a constant, given":
                self.count.add_(1)
                return self.layer(x), self.count
            case "by an input":
                self.count.add_((x.sum() > -1e9).int())
            case "copied" | "copied in int64":
                self.count.copy_(self.count + 1)
            case "new value, in int64":
                count = self.count + 1
                self.count.copy_(count)
                return self.layer(x), count
            case "compared":
                self.count += 1
                return self.layer(x), self.count > 2
        return self.layer(x), self.count.clone()


def _counting(how: str) -> ExportedModel:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 4, 8),) for _ in range(3)]
    return export(SourceModel(Counts(how).eval(), samples[0], samples, "net.py:net"))


@pytest.mark.parametrize(
    ("how", "given"), [("by an input", [2, 3, 4]), ("copied", [2, 3, 4]), ("compared", [False, True, True])]
)
def test_a_counter_goes_on_from_where_the_model_has_it(how: str, given: list[int]) -> None:
    model = _counting(how)
    quantised = quantised_program(model, U55, seed=0)
    module = quantised.program.module(check_guards=False)
    assert [int(module(*sample)[1]) for sample in quantised.samples] == given


@pytest.mark.parametrize("how", ["by a constant", "by a constant, given"])
def test_a_counter_that_is_folded_is_refused_and_the_model_stays_as_it_is(how: str) -> None:
    model = _counting(how)
    with pytest.raises(ModelError, match=r"takes what is written in place for one \(test_kept_writes.py, line .*copy_"):
        quantised_program(model, U55, seed=0)
    assert [int(one) for name, one in model.program.named_buffers() if name == "count"] == [1]


@pytest.mark.parametrize("how", ["copied in int64", "new value, in int64"])
def test_a_counter_of_int64_is_refused_with_the_type_that_is_kept(how: str) -> None:
    with pytest.raises(
        ModelError, match=r"int64 buffers a copy in int32.*\(test_kept_writes.py, line .*in int32 buffers"
    ):
        quantised_program(_counting(how), U55, seed=0)
