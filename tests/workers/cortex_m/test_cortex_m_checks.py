"""What programs are compared on and by: models with a state, nested outputs, masks, and values that are no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram

from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.drawn_inputs import drawn_like
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.view import output_shapes, results_of
from workers.cortex_m.lowering.program_hash import program_hash


class Streaming(nn.Module):
    """Keeps the last frame, and gives its outputs by name."""

    past: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("past", torch.zeros(1, 3))

    def forward(self, frame: torch.Tensor) -> dict[str, Any]:
        both = torch.cat([self.past, frame], 1)
        self.past.copy_(frame)
        return {"all": both, "parts": (both.sum(1), None, self.past)}


def streaming() -> ExportedProgram:
    return torch.export.export(Streaming().eval(), (torch.ones(1, 3),))


def test_each_run_begins_with_the_state_that_the_program_starts_with() -> None:
    program = streaming()
    for value in (1.0, 2.0):
        both, total, past = outputs_of(program, (torch.full((1, 3), value),))
        assert both.tolist() == [[0.0] * 3 + [value] * 3]
        assert total.tolist() == [3 * value]
        assert past.tolist() == [[value] * 3]


def test_buffers_that_are_written_are_no_results() -> None:
    program = streaming().run_decompositions({})
    assert len(program.graph.output_node().args[0]) == 5  # type: ignore[arg-type]
    assert len(results_of(program)) == 4
    assert output_shapes(program) == [(1, 6), (1,), (1, 3)]


def test_drawn_inputs_are_nested_as_the_model_s_and_reach_as_far_as_its_finite_values() -> None:
    mask = torch.tensor([0.0, float("-inf"), float("nan")])
    inputs = (torch.tensor([-4.0, 1.0]), {"mask": mask, "none": torch.zeros(0)}, (torch.arange(3), 7))
    first, named, (numbers, seven) = drawn_like(inputs, np.random.default_rng(0))
    assert 0 < float(first.abs().max()) <= 4
    assert 0 < float(named["mask"].abs().max()) <= 1 and named["none"].numel() == 0
    assert numbers.tolist() == [0, 1, 2] and seven == 7


def test_what_is_no_number_in_both_is_the_same() -> None:
    one = torch.tensor([1.0, float("nan")])
    assert same_bits([one], [one.clone()]).equal
    assert "1 of 2" in same_bits([one], [torch.tensor([1.0, 2.0])]).message


def test_programs_of_other_bfloat16_weights_have_other_hashes() -> None:
    def of(value: float) -> str:
        net = nn.Linear(2, 2).bfloat16()
        nn.init.constant_(net.weight, value)
        nn.init.zeros_(net.bias)
        return program_hash(torch.export.export(net, (torch.zeros(1, 2, dtype=torch.bfloat16),)))

    assert of(1.0) == of(1.0) != of(1.5)
