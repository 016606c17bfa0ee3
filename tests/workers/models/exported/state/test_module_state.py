"""Nets with buffers that they write to, or with random numbers: each sample starts anew, in calibration, records and
measures of quality."""

import numpy as np
import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.lowering import lower, lowered_program, quantised_program
from workers.ethos_u.lowering.toolchain import to_edge, to_executorch
from workers.ethos_u.target import Target
from workers.models.exported.state.module_state import as_written
from workers.models.exported.tensors import as_arrays, tensors
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel

U55 = Target.parse("ethos-u55-128")


class Stream(nn.Module):
    """A streaming net: the last frames are kept in a buffer of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 16, 5)
        self.register_buffer("past", torch.zeros(1, 8, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames = torch.cat([self.past, x], -1)
        self.past.copy_(frames[:, :, -4:])
        return torch.relu(self.conv(frames))


class Noise(nn.Module):
    """A net that adds noise, takes a name, and gives a number and nothing besides its tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3)

    def forward(self, x: torch.Tensor, how: str) -> tuple[torch.Tensor, int, None]:
        return self.conv(x + torch.rand(1, 2, 8) if how == "noisy" else x), 3, None


class Carries(nn.Module):
    """A net that adds its state, which it updates first."""

    state: torch.Tensor

    def __init__(self, update: str) -> None:
        super().__init__()
        self.update, self.layer = update, nn.Linear(4, 3)
        self.register_buffer("state", torch.zeros(1, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        if self.update == "count":
            self.state.add_(1)
        elif self.update.startswith("count "):
            self.state.copy_(self.state + 1)
        elif self.update == "in place":
            self.state.mul_(0.5).add_(y)
        else:
            self.state.copy_(y if self.update == "overwritten" else 0.5 * self.state + y)
        return y if self.update == "count that nobody reads" else y + self.state


class Started(Stream):
    """One whose buffer does not start with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.past.fill_(0.75)


def test_what_runs_first_does_not_reach_what_runs_next() -> None:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 8, 16),) for _ in range(3)]
    model = export(SourceModel(Stream(), samples[0], samples, "net.py:stream"))
    quantised = quantised_program(model, U55, seed=0)
    assert all(not torch.any(one) for one in quantised.program.state_dict.values() if one.shape == (1, 8, 4))
    module = lowered_program(model, U55, quantised).module(check_guards=False)

    def run(sample: tuple[torch.Tensor, ...]) -> np.ndarray:
        (output,) = tensors(run_lowered(module, sample))
        return output.numpy().copy()

    alone = [run(sample) for sample in samples]
    assert [run(sample).tobytes() for sample in reversed(samples)] == [one.tobytes() for one in reversed(alone)]
    # The state matters: within one run, the past is that of the start.
    (expected,) = tensors(model.program.module(check_guards=False)(*samples[1]))
    assert np.abs(expected.numpy() - alone[1]).max() < 0.1 * np.abs(alone[1]).max()


def test_a_pte_starts_without_what_buffers_start_with_and_that_is_reported() -> None:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 8, 16),) for _ in range(3)]
    for net, reported in ((Stream(), []), (Started(), ["the model has past start with"])):
        model = export(SourceModel(net, samples[0], samples, "net.py:net"))
        warnings = lower(model, U55, seed=0).warnings
        assert [one for one in reported if any(one in warning for warning in warnings)] == reported
        assert len(warnings) == len(reported)
        quantised = quantised_program(model, U55, seed=0)
        (expected,) = tensors(run_lowered(as_written(lowered_program(model, U55, quantised)), samples[1]))
        file = to_executorch(to_edge(quantised.program, quantised.compile_spec)).buffer
        (found,) = PteProgram(bytes(file), "net.pte").run([samples[1][0].numpy()])
        assert found.tobytes() == expected.numpy().tobytes()


def test_random_numbers_are_the_same_in_every_run() -> None:
    """Else a delegate behind them would seem to compute something else each time, and its scales would differ."""
    torch.manual_seed(0)
    samples: list[tuple[torch.Tensor, str]] = [(torch.randn(1, 2, 8), "noisy") for _ in range(3)]
    model = export(SourceModel(Noise(), samples[0], samples, "net.py:noise"))
    first, quantised = (quantised_program(model, U55, seed=0) for _ in range(2))
    assert str(first.program.graph) == str(quantised.program.graph), "scales stand in it"
    module = lowered_program(model, U55, quantised).module(check_guards=False)
    expected, again = (as_arrays(run_lowered(module, samples[1])) for _ in range(2))
    file = to_executorch(to_edge(quantised.program, quantised.compile_spec)).buffer
    found = PteProgram(bytes(file), "net.pte").run(as_arrays(samples[1]))
    assert len(found) == 2 and found[1] == 3, "None is no output"
    for other in (again, found):
        assert [one.tobytes() for one in other] == [one.tobytes() for one in expected]


@pytest.mark.parametrize("update", ["count", "in place"])
def test_a_model_whose_state_the_quantiser_loses_is_refused(update: str) -> None:
    with pytest.raises(ModelError, match="to a program that computes something else"):
        lower(_carrying(update), U55, seed=0)


@pytest.mark.parametrize("update", ["copied", "overwritten", "count by copy", "count that nobody reads"])
def test_a_model_whose_state_is_kept_is_lowered(update: str) -> None:
    warnings = lower(_carrying(update), U55, seed=0).warnings
    assert ["still grows" in warning for warning in warnings] == [True] * update.startswith("count")


def _carrying(update: str) -> ExportedModel:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 4),) for _ in range(2)]
    return export(SourceModel(Carries(update), samples[0], samples, "net.py:net"))
