"""What programs are compared on and by: models with a state, nested outputs, masks, values that are no number, and
dilated convolutions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.cortex_m import inputs_of, lowered, quantised
from torch import nn
from torch.export import ExportedProgram
from torch.nn.functional import conv2d

from workers.cortex_m.check.compare import output_steps, same_bits, within_one_step
from workers.cortex_m.check.dilated_convolution import with_zeros_between
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


SMALL = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=20)
@given(
    kernel=SMALL, dilation=SMALL, stride=SMALL, padding=SMALL, groups=st.sampled_from([1, 2, 4]), seed=st.integers(0, 9)
)
def test_zeros_between_weights_compute_what_a_dilation_does(
    kernel: tuple[int, int], dilation: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], groups: int,
    seed: int,
) -> None:  # fmt: skip
    draw = torch.Generator().manual_seed(seed)
    image = torch.randint(-128, 128, (2, 4, 8, 9), generator=draw).double()
    weight = torch.randint(-128, 128, (8, *kernel, 4 // groups), generator=draw)
    spread = with_zeros_between(weight, dilation)
    assert spread.dtype == weight.dtype and int((spread != 0).sum()) == int((weight != 0).sum())
    wanted, found = (
        conv2d(image, one.permute(0, 3, 1, 2).double(), None, stride, padding, gaps, groups)
        for one, gaps in ((weight, dilation), (spread, (1, 1)))
    )
    assert found.shape == wanted.shape and torch.equal(found, wanted)


@pytest.mark.parametrize("cpu", ["cortex-m55", "cortex-m4"])
def test_dilated_convolutions_are_computed_as_the_quantised_model_does(cpu: str) -> None:
    program, inputs = lowered("dilated", cpu), inputs_of("dilated")
    kinds = [node.args[5] for node in program.graph.nodes if "conv2d" in str(node.target)]
    assert kinds == [[2, 2], [1, 3], [2, 1]]
    found, wanted = outputs_of(program, inputs), outputs_of(quantised("dilated"), inputs)
    assert within_one_step(found, wanted, output_steps(program)).equal
    assert len(wanted[0].unique()) > 10


@pytest.mark.parametrize(
    ("found", "step", "equal"),
    [
        ([1.0, 2.0], 0.5, True),
        ([1.5, 2.0], 0.5, True),
        ([2.0, 2.0], 0.5, False),
        ([1.00001, 2.0], None, True),
        ([1.0001, 2.0], None, False),
        ([math.nan, 2.0], None, False),
        ([math.inf, 2.0], None, False),
    ],
)
def test_outputs_are_compared_up_to_one_step(found: list[float], step: float | None, equal: bool) -> None:
    wanted = [1.0, 2.0]
    assert within_one_step([torch.tensor(found)], [torch.tensor(wanted)], [step]).equal is equal
    # What is infinite or no number in both is equal, and says nothing of the other values.
    odd = [math.nan, math.inf, -math.inf]
    assert within_one_step([torch.tensor(found + odd)], [torch.tensor(wanted + odd)], [step]).equal is equal
