"""Transposes that the kernel refuses or turns wrongly, and those of four axes that take their place."""

from functools import cache
from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.export import ExportedProgram

from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.reading.nodes import operator_of, shape_of
from workers.cortex_m.guards.shapes import transpose_axes
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.lowered.mends.transpose_by_four import MOST_AXES, TransposeByFour, merged_axes, steps
from workers.cortex_m.target import Target

M55, M4 = Target.parse("cortex-m55"), Target.parse("cortex-m4")


class Turned(nn.Module):
    """A sum of a value with itself, its axes in another order."""

    def __init__(self, view: tuple[int, ...], order: tuple[int, ...]) -> None:
        super().__init__()
        self.view, self.order = view, order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + x).view(self.view).permute(self.order).flatten(1)


def inputs_of(view: tuple[int, ...]) -> tuple[torch.Tensor]:
    return (torch.randn((1, prod(view)), generator=torch.Generator().manual_seed(0)),)


@cache
def lowering(view: tuple[int, ...], order: tuple[int, ...], target: Target = M4) -> Lowering:
    return Lowering(to_edge(quantise(Turned(view, order).eval(), inputs_of(view))), target)


def verdicts(program: ExportedProgram, target: Target) -> list[Severity]:
    return [one.severity for one in transpose_axes.check(program, target.instruction_set)]


@pytest.mark.parametrize(
    ("view", "order", "on_m55", "on_m4"),
    [
        ((1, 2, 3, 4, 5), (0, 2, 1, 3, 4), [Severity.FAILS], [Severity.FAILS]),  # QEMU: error 0x12
        ((2, 3, 4, 5), (0, 2, 1, 3), [], []),
        ((8, 10_000), (1, 0), [Severity.WRONG], []),  # the offset of the eighth row is above 65,535
        ((2, 10_000), (1, 0), [], []),
        ((1, 2, 8, 10_000), (0, 1, 3, 2), [Severity.WRONG], []),
        ((2, 70_000), (1, 0), [Severity.WRONG], [Severity.WRONG]),
    ],
)
def test_what_the_kernel_makes_of_an_order(
    view: tuple[int, ...], order: tuple[int, ...], on_m55: list[Severity], on_m4: list[Severity]
) -> None:
    program = lowering(view, order).lowered(())
    assert [verdicts(program, target) for target in (M55, M4)] == [on_m55, on_m4]


@pytest.mark.parametrize(
    ("view", "order", "count"),
    [
        ((1, 2, 4, 3, 5), (0, 2, 1, 3, 4), 1),  # a channel shuffle
        ((1, 2, 4, 3, 5, 2), (0, 1, 3, 2, 4, 5), 1),  # windows
        ((1, 3, 2, 2, 4, 5), (0, 1, 4, 2, 5, 3), 2),  # a pixel shuffle
    ],
)
def test_transposes_of_four_axes_mend_it(view: tuple[int, ...], order: tuple[int, ...], count: int) -> None:
    there = lowering(view, order)
    before, after = there.lowered(()), there.lowered(there.in_order([TransposeByFour()]))
    assert verdicts(before, M4) == [Severity.FAILS] and verdicts(after, M4) == []
    assert len([one for one in after.graph.nodes if "cortex_m_transpose" in one.name]) == count
    assert same_bits(outputs_of(after, inputs_of(view)), outputs_of(before, inputs_of(view))).equal


@given(data=st.data())
def test_any_order_is_reached_in_steps_of_four_axes(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=8))
    order = tuple(data.draw(st.permutations(range(len(sizes)))))
    value = torch.arange(prod(sizes)).reshape(sizes)
    now, lying = tuple(range(len(sizes))), value.flatten()
    for then in steps(sizes, order):
        merged, turn = merged_axes(sizes, now, then)
        assert len(merged) <= MOST_AXES
        lying, now = lying.reshape(merged).permute(turn).flatten(), then
    assert now == order and torch.equal(lying, value.permute(order).flatten())


class Windows(nn.Module):
    """A linear layer over windows, whose places go back to those of an image."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x).view(1, 2, 2, 3, 3, 8).permute(0, 1, 3, 2, 4, 5).reshape(1, 6, 6, 8)


def test_permutes_that_a_rewrite_turns_into_transposes_are_mended_too() -> None:
    inputs = (torch.randn((4, 9, 8), generator=torch.Generator().manual_seed(0)),)
    there = Lowering(to_edge(quantise(Windows().eval(), inputs)), M4)
    before, after = there.lowered(()), there.lowered(there.in_order([TransposeByFour()]))
    kept = [node for node in before.graph.nodes if operator_of(node) == "permute_copy"]
    assert [len(shape_of(node)) for node in kept] == [6], "ExecuTorch leaves it to the portable operator"
    assert verdicts(before, M4) == verdicts(after, M4) == []
    assert same_bits(*(outputs_of(one, inputs, M4.instruction_set) for one in (after, before))).equal
