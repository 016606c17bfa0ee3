"""Padding by negative numbers: the kernel cannot crop, and slices can."""

from functools import cache

import pytest
import torch
from torch import nn

from workers.cortex_m.check.compare import same_bits
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.guards.shapes import negative_padding
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.lowered.mends.crop_by_slices import CropBySlices
from workers.cortex_m.target import Target

INPUTS = (torch.randn((2, 3, 10), generator=torch.Generator().manual_seed(0)),)


@cache
def lowering(*padding: int) -> Lowering:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 8), nn.ConstantPad1d(padding, 0.5))
    return Lowering(to_edge(quantise(model.eval(), INPUTS)), Target.parse("cortex-m4"))


@pytest.mark.parametrize(("padding", "found"), [((2, -3), [Severity.FAILS]), ((2, 0), [])])
def test_the_kernel_cannot_crop(padding: tuple[int, int], found: list[Severity]) -> None:
    # QEMU: the kernel of MVE does not end.
    assert [one.severity for one in negative_padding.check(lowering(*padding).lowered(()))] == found


@pytest.mark.parametrize("padding", [(2, -3), (-1, -2), (-4, 0)])
def test_slices_mend_it(padding: tuple[int, int]) -> None:
    there = lowering(*padding)
    before, after = there.lowered(()), there.lowered(there.in_order([CropBySlices()]))
    assert not list(negative_padding.check(after))
    assert same_bits(outputs_of(after, INPUTS), outputs_of(before, INPUTS)).equal
    assert lowering(2, 0).in_order([CropBySlices()]) == ()
