"""Patterns whose fused operators the gate refuses are left unfused by what a search begins with."""

from functools import cache

import torch
from support.vulkan_nets import made, programs_of
from torch import nn

from search_space.recipe.recipe import Recipe
from workers.vulkan.programs import VulkanPrograms


class Sums(nn.Module):
    """Two convolutions, their sum, and a number more."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 8, 3), nn.Conv2d(4, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.first(x) + self.second(x)).relu() + 2


class ScaledNorm(nn.Module):
    """A RMS norm times a weight for each row."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(6, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


@cache
def sums() -> VulkanPrograms:
    return programs_of(made(Sums, 1, 4, 8, 8))


def test_a_sum_with_a_number_is_left_unfused_and_no_other() -> None:
    """The int8 sum has no broadcasting. That of two convolutions stays fused."""
    start = "scheme=static-int8 | leave-unfused{pattern=quantized_binary}@2"
    assert start in sums().starting_points()
    program = sums().built(Recipe.parse(start))
    assert sums().executed(program, False, False, False).equal
    assert sums().quality(program).sqnr_db > 30
    names = [call.name for call in sums().lowered(program).delegates[0].graph.chain]
    assert names.count("et_vk.q8ta_add.default") == names.count("aten.add.Tensor") == 1


def test_without_it_the_gate_refuses_the_sum() -> None:
    refused = sums().executed(sums().built(Recipe.parse("scheme=static-int8")), False, False, False)
    assert "et_vk.q8ta_add.default: adds [1, 8, 6, 6] and []" in refused.reason


def test_a_pattern_that_is_refused_in_floating_point_is_left_from_the_start() -> None:
    programs = programs_of(made(ScaledNorm, 1, 6, 8))
    assert not programs.executed(programs.default, False, False, True).equal
    start = "leave-unfused{pattern=rms_norm}"
    assert start in programs.starting_points()
    assert programs.executed(programs.built(Recipe.parse(start)), False, False, False).equal


def test_what_loads_is_not_lowered_for_it() -> None:
    programs = programs_of(made(lambda: nn.Conv2d(4, 8, 3), 1, 4, 8, 8))
    assert not any(programs.space.unfused.values())
    assert not any("leave-unfused" in one for one in programs.starting_points())
