"""Integers that the runtime computes otherwise than PyTorch are found on the inputs of the check."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmarks.vulkan.gate.programs import exported
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.checking.allowance import Allowance
from workers.checking.verdict import Verdict
from workers.vulkan.programs import VulkanPrograms
from workers.vulkan.target import VulkanTarget


def programs(of: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> VulkanPrograms:
    model = exported((of, [], [*inputs]))
    return VulkanPrograms(model, VulkanTarget(), model.calibration_inputs, Allowance(Exactness.REQUANTISING))


def executed(of: VulkanPrograms, recipe: str) -> Verdict:
    return of.executed(of.built(Recipe.parse(recipe)), False, False, False)


def test_a_remainder_of_integers_below_zero_is_wrong_until_it_is_spelled() -> None:
    """The runtime gave -1 for -4 % 3: `a % b` of C."""
    of = programs(lambda x: x % 3, torch.arange(-4, 4).reshape(2, 4))
    said = executed(of, "default").reason
    assert said.startswith("aten.remainder.Scalar of integers below zero") and "spell-remainders" in said
    assert "spell-remainders" in of.starting_points()[0]
    assert executed(of, "spell-remainders").equal
    spelled = of.built(Recipe.parse("spell-remainders"))
    assert of.equal(spelled, of.default, whole=True).equal


@pytest.mark.parametrize("x", [torch.arange(8), torch.arange(-4.0, 4)])
def test_other_remainders_are_right(x: torch.Tensor) -> None:
    assert executed(programs(lambda x: x % 3, x), "default").equal


@pytest.mark.parametrize(
    ("of", "x", "said"),
    [
        (lambda x: x + x, [2**30, -(2**30) - 1], "aten.add.Tensor has"),
        (lambda x: x + x, [2**40, 0], "an input of a delegate has"),
        (lambda x: x + 2**35, [1, 2], "a constant of a delegate has"),
    ],
)
def test_integers_beyond_32_bits_are_wrong(of: Callable[..., torch.Tensor], x: list[int], said: str) -> None:
    """The runtime gave 0 for 2**40 + 2**40, and 1 for 1 + 2**35."""
    reason = executed(programs(of, torch.tensor([x])), "default").reason
    assert said in reason and "beyond 32 bits" in reason


@pytest.mark.parametrize("x", [[2**30 - 1, -(2**30)], [0, 5]])
def test_integers_within_32_bits_are_right(x: list[int]) -> None:
    assert executed(programs(lambda x: x + x, torch.tensor([x])), "default").equal
