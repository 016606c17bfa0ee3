"""A `.pte` that computes something else than the program that it was written from is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.delegate_calls import recorded_run
from workers.ethos_u.lowering.delegates.stock_faults.written_file import check_file
from workers.ethos_u.lowering.lowering import lower, lowered_program, quantised_program
from workers.ethos_u.lowering.toolchain import ethos_u_compile_spec, to_edge, to_executorch, tosa_as_blob
from workers.ethos_u.target import Target
from workers.models.exported.state.module_state import as_written
from workers.models.exported.tensors import as_arrays
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel

_TARGET = Target.parse("ethos-u55-128")


class Branches(nn.Module):
    """The result of the first torch.cond is given after the second one has run."""

    def __init__(self, two: bool) -> None:
        super().__init__()
        self.layer, self.two = nn.Linear(8, 8), two

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = self.layer(x)
        first = torch.cond(x.sum() > 0, torch.relu, torch.sigmoid, (y,))
        if not self.two:
            return first, y
        second = torch.cond(x.mean() > 0, lambda one: one * 2, lambda one: one + 1, (y,))
        return first, second


class Apart(nn.Module):
    """Delegates with operators between them that run on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = self.first(x)
        greatest = y.gather(1, y.argmax(1, keepdim=True).expand(4, 8))
        return self.last(greatest), greatest


def _model(net: nn.Module) -> ExportedModel:
    torch.manual_seed(0)
    samples = [(torch.randn(4, 8),) for _ in range(3)]
    return export(SourceModel(net, samples[0], samples, "net.py:net"))


def test_results_of_torch_cond_that_share_memory_are_refused() -> None:
    with pytest.raises(ModelError, match=r"^net.py:net: .* once it is written as a .pte: \d+ of 32 values of output 0"):
        lower(_model(Branches(two=True)), _TARGET, seed=0)


def test_one_torch_cond_is_taken() -> None:
    assert lower(_model(Branches(two=False)), _TARGET, seed=0).warnings == ()


def test_every_value_is_compared() -> None:
    model = _model(Apart())
    quantised = quantised_program(model, _TARGET, seed=0)
    (sample,) = quantised.samples[:1]
    run = recorded_run(as_written(lowered_program(model, _TARGET, quantised)), sample)
    with tosa_as_blob():
        content = bytes(to_executorch(to_edge(quantised.program, ethos_u_compile_spec(_TARGET))).buffer)
    assert check_file("net", content, as_arrays(sample), run) == ()
    *before, last = run.calls
    (reaches_last,) = last.inputs
    changed = replace(last, inputs=(reaches_last ^ np.int8(1),))
    with pytest.raises(ModelError, match=r": other values reach input 0 of delegate 2;"):
        check_file("net", content, as_arrays(sample), replace(run, calls=(*before, changed)))
    with pytest.raises(ModelError, match=r": 1 of 32 values of output 1 differ, the first at \[0, 0\]"):
        outputs = [one.copy() for one in run.outputs]
        outputs[1][0, 0] += 1
        check_file("net", content, as_arrays(sample), replace(run, outputs=tuple(outputs)))
    (warning,) = check_file("net", content, as_arrays(sample), replace(run, calls=tuple(before)))
    assert warning.endswith("with the lowered program: net: more than 2 delegates are called")
