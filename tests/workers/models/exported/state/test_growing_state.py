"""Only state that grows for as long as a model runs is reported as growing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from workers.models.exported.state.growing_state import growing_state

SHAPE = (1, 4)


class Keeps(nn.Module):
    """A state that a rule makes of itself and of the input."""

    def __init__(self, rule: str, *shape: int) -> None:
        super().__init__()
        # A buffer that is not persistent is no part of the state_dict.
        self.register_buffer("state", torch.zeros(shape or SHAPE), persistent=rule != "sum")
        self.register_buffer("at", torch.zeros(1, dtype=torch.int64))
        self.rule = rule

    def forward(self, x: Tensor) -> Tensor:
        state, rule = self.state, self.rule
        if rule == "count":
            state.add_(1.0)
        elif rule == "sum":
            state.add_(x.abs())
        elif rule.startswith("mean"):
            kept = float(rule.removeprefix("mean "))
            state.copy_(kept * state + (1 - kept) * x.abs())
        elif rule == "ring":
            state.copy_(torch.cat((state[1:], x)))
        elif rule == "cache":
            state.index_copy_(0, self.at, x)
            self.at.copy_((self.at + 1) % len(state))
        elif rule == "largest":
            state.copy_(torch.maximum(state, x.abs()))
        elif rule == "bounded":
            state.copy_((state + x.abs()).clamp(max=3.0))
        elif rule == "gate":
            state.copy_(torch.tanh(state + x))
        return x + state.sum(0, keepdim=True)


def report(rule: str, *shape: int, seed: int = 0, count: int = 4) -> tuple[str, ...]:
    random = torch.Generator().manual_seed(seed)
    # Larger from sample to sample, so that any state has a larger range at the end.
    samples = [((1 + at) * torch.rand(SHAPE, generator=random),) for at in range(count)]
    net = Keeps(rule, *shape)
    program = torch.export.export(net.eval(), samples[0])
    found = growing_state(program, samples)
    assert not any(value.any() for value in {**program.state_dict, **program.constants}.values())
    assert not any(value.any() for value in net.buffers())
    return found


@pytest.mark.parametrize("rule", ["count", "sum"])
def test_a_state_that_grows_for_ever_is_reported(rule: str) -> None:
    (warning,) = report(rule)
    assert warning.startswith("state still grows at the last of 4 calibration samples (state), and saturates")


@pytest.mark.parametrize(
    ("rule", "shape"),
    [
        ("mean 0.9", ()), ("mean 0.999", ()), ("ring", (3, 4)), ("ring", (100, 4)), ("cache", (3, 4)),
        ("cache", (100, 4)), ("largest", ()), ("bounded", ()), ("gate", ()),
    ],
)  # fmt: skip
def test_a_state_that_stays_in_a_range_is_not(rule: str, shape: tuple[int, ...]) -> None:
    assert report(rule, *shape) == ()


def test_a_single_sample_is_enough() -> None:
    assert report("count", count=1) and not report("mean 0.999", count=1)


def test_a_model_without_state_has_none() -> None:
    program = torch.export.export(nn.ReLU(), (torch.rand(1, 4),))
    assert growing_state(program, [(torch.rand(1, 4),)]) == ()
