"""Nets with buffers that they write to: each sample starts anew, in calibration, records and measures of quality."""

import numpy as np
import torch
from torch import nn

from workers.lowering import lowered_program, quantised_program
from workers.model_source import SourceModel, export
from workers.run_lowered import run_lowered
from workers.target import Target
from workers.tensors import tensors

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
