"""Fused operators that the gate refuses, and that load where their pattern is not taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from workers.errors import CompilerRefused
from workers.vulkan.gate.verdict import verdict_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.passes.fusion.leave_unfused import LeaveUnfused
from workers.vulkan.space.recipe import VulkanRecipe

#: What names of operators begin with that ExecuTorch's fusion makes.
FUSED = "et_vk."

#: Places of a pattern that are looked at one by one at most; each takes a lowering.
_MOST_PLACES = 8


def refused_fusions(program: VulkanRecipe, lowered: Callable[[VulkanRecipe], Lowered]) -> tuple[LeaveUnfused, ...]:
    """Find out which patterns to leave, and where.

    Args:
        program: one that lowers.
        lowered: lowers a program, with a memory.

    Returns:
        What takes refused operators out of the program, by pattern. It names the places where that is needed, unless it
        is at all of them. Nothing is lowered once more where no fused operator is refused.
    """
    if not any(one.operator.startswith(FUSED) for one in verdict_of(lowered(program)).refused):
        return ()
    found, before = [], _refused(program, lowered)
    for pattern, places in lowered(program).fused.items():
        everywhere = LeaveUnfused(pattern=pattern)
        after = _refused(program.followed_by(everywhere), lowered)
        if after < before:
            found.append(_where_needed(program, everywhere, places, after, lowered))
    return tuple(found)


def _where_needed(
    program: VulkanRecipe, everywhere: LeaveUnfused, places: int, after: float,
    lowered: Callable[[VulkanRecipe], Lowered],
) -> LeaveUnfused:  # fmt: skip
    """The same, but at those places alone without which more is refused."""
    if not 1 < places <= _MOST_PLACES:
        return everywhere

    def without(number: int) -> float:
        others = "+".join(str(one) for one in range(1, places + 1) if one != number)
        return _refused(program.followed_by(replace(everywhere, at=others)), lowered)

    needed = [number for number in range(1, places + 1) if without(number) > after]
    return everywhere if len(needed) == places else replace(everywhere, at="+".join(map(str, needed)))


def _refused(program: VulkanRecipe, lowered: Callable[[VulkanRecipe], Lowered]) -> float:
    """How many operators the gate refuses; infinite where the program does not lower."""
    try:
        return len(verdict_of(lowered(program)).refused)
    except CompilerRefused:
        return float("inf")
