"""A softmax over the channels of one pixel: the kernel refuses its axis, and a rewrite names the innermost one."""

from functools import cache

import pytest
import torch
from torch import nn

from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.reading.nodes import shape_of
from workers.cortex_m.guards.shapes import softmax_axis
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.lowered.mends.softmax_innermost import SoftmaxInnermost
from workers.cortex_m.target import Target

INPUTS = (torch.randn((1, 4, 1, 1), generator=torch.Generator().manual_seed(0)),)


@cache
def lowering(axis: int) -> Lowering:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(4, 10, 1), nn.Flatten() if axis == -1 else nn.Identity(), nn.Softmax(axis))
    return Lowering(to_edge(quantise(model.eval(), INPUTS)), Target.parse("cortex-m4"))


@pytest.mark.parametrize(("axis", "found"), [(1, [Severity.FAILS]), (-1, [])])
def test_the_kernel_takes_the_innermost_axis_alone(axis: int, found: list[Severity]) -> None:
    # QEMU: "only last-dimension softmax is supported (dim=1, rank=4)", and the method ends with error 0x12.
    assert [one.severity for one in softmax_axis.check(lowering(axis).lowered(()))] == found


def test_leaving_out_the_axes_of_size_one_mends_it() -> None:
    (rewrite,) = mended = lowering(1).in_order([SoftmaxInnermost()])
    before, after = lowering(1).lowered(()), lowering(1).lowered(mended)
    assert len(lowering(1).sites((), rewrite)) == 1 and lowering(-1).in_order([rewrite]) == ()
    assert not list(softmax_axis.check(after))
    assert same_bits(outputs_of(after, INPUTS), outputs_of(before, INPUTS)).equal
    assert [shape_of(one) for one in after.graph.nodes if "softmax" in one.name] == [(1, 10)]
