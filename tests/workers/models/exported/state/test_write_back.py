"""Buffers that hand values on to each other: refused exactly where a `.pte` would compute something else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered_in_turn
from workers.ethos_u.lowering.lowering import lower, lowered_program, quantised_program
from workers.ethos_u.lowering.toolchain import to_edge, to_executorch
from workers.ethos_u.target import Target
from workers.models.exported.state.module_state import written_buffers
from workers.models.exported.state.write_back import misplaced_values
from workers.models.exported.tensors import as_arrays
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel
from workers.output_capture import toolchain_hushed

U55 = Target.parse("ethos-u55-128")
_RUNS = 4


class HandsOn(nn.Module):
    """A net with two states."""

    near: torch.Tensor
    far: torch.Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.layer = how, nn.Conv1d(4, 4, 3, padding=1)
        self.register_buffer("near", torch.zeros(1, 4, 8))
        self.register_buffer("far", torch.zeros(8, 4) if "view" in how else torch.zeros(1, 4, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        far = self.far.view(1, 4, 8)
        y, mixed = self.layer(x + far), x + 0.5 * far
        match self.how:
            case "as it is":
                self.far.copy_(self.near)
                self.near.copy_(mixed)
            case "as a view":
                self.far.copy_(self.near.view(8, 4))
                self.near.copy_(mixed)
            case "computed":
                self.far.copy_(0.5 * self.near)
                self.near.copy_(mixed)
            case "in one buffer":
                self.far.copy_(torch.cat([self.far[:, 2:], mixed[:, :2]], 1))
        return y


def _model(how: str) -> ExportedModel:
    torch.manual_seed(0)
    samples = [(torch.randn(1, 4, 8),) for _ in range(_RUNS)]
    return export(SourceModel(HandsOn(how).eval(), samples[0], samples, "net.py:net"))


@pytest.mark.parametrize(
    ("how", "misplaced"),
    [
        ("as it is", ["near to far"]),
        ("as a view", []),
        ("computed", []),
        ("in one buffer", []),
    ],
)
def test_what_is_refused_is_what_a_file_loses(how: str, misplaced: list[str]) -> None:
    model = _model(how)
    module = model.program.module(check_guards=False)
    quantised = quantised_program(model, U55, seed=0)
    default = lowered_program(model, U55, quantised)
    assert misplaced_values(default) == misplaced
    with toolchain_hushed():
        file = bytes(to_executorch(to_edge(quantised.program, quantised.compile_spec)).buffer)
    runs = list(quantised.samples)
    found = PteProgram(file, "net.pte").run_in_turn([as_arrays(one) for one in runs])
    start = {name: torch.zeros_like(module.get_buffer(name)) for name in written_buffers(default)}
    expected = [as_arrays(one) for one, _ in run_lowered_in_turn(default, runs, start)]
    same = [one[0].tobytes() == other[0].tobytes() for one, other in zip(expected, found, strict=True)]
    assert all(same) != bool(misplaced)
    # The runs in turn are those of the model.
    for sample, (given,) in zip(runs, expected, strict=True):
        wanted = module(*sample).detach().numpy()
        assert np.abs(wanted - given).max() < 0.1 * np.abs(wanted).max()
    if misplaced:
        with pytest.raises(ModelError, match=r"from its second run on: .* \(near to far\)\. Keep both in one buffer"):
            lower(model, U55, seed=0)
