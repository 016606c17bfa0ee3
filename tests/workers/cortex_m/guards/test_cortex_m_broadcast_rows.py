"""Minimum and maximum of operands of two shapes: where the kernel steps over values twice."""

import pytest
import torch
from torch import nn

from workers.cortex_m.guards.shapes import broadcast_rows
from workers.cortex_m.guards.shapes.broadcast_rows import steps_twice
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target


class Larger(nn.Module):
    """The larger one of two sums."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.maximum(x + x, y + y)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ((1, 4, 6, 6), (1, 4, 1, 1), [Severity.WRONG]),
        ((4, 1, 1), (4, 6, 5), [Severity.WRONG]),
        ((1, 4, 6, 6), (1, 4, 6, 6), []),
        ((1, 4, 6, 6), (1, 1, 1, 6), []),
        ((1, 4, 6, 6), (1, 1, 1, 1), []),
        ((2, 1, 3, 4, 5), (2, 1, 3, 4, 5), [Severity.WRONG]),
    ],
)
def test_which_shapes_come_out_wrong(one: tuple[int, ...], other: tuple[int, ...], found: list[Severity]) -> None:
    inputs = tuple(torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in (one, other))
    program = Lowering(to_edge(quantise(Larger().eval(), inputs)), Target.parse("cortex-m4")).lowered(())
    assert [verdict.severity for verdict in broadcast_rows.check(program)] == found


def test_one_value_for_each_pixel_is_right() -> None:
    assert not steps_twice((1, 3, 4, 1), (1, 3, 4, 5))
    assert not steps_twice((1, 3, 1, 1), (1, 3, 1, 5))
    assert steps_twice((1, 3, 1, 1), (1, 1, 4, 1))
