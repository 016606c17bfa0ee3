"""Quantisation as the kernels compute it, against fractions, and against values that QEMU gave."""

from fractions import Fraction

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.cortex_m.check.quantisation import quantised_by_kernel
from workers.cortex_m.target import InstructionSet

MVE, DSP = InstructionSet.MVE, InstructionSet.DSP


def of(values: torch.Tensor, scale: float, zero_point: int, instruction_set: InstructionSet) -> torch.Tensor:
    return quantised_by_kernel(values, scale, zero_point, -128, 127, torch.int8, instruction_set)


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), zero_point=st.integers(-128, 127), count=st.integers(1, 40))
def test_mve_rounds_blocks_once_and_all_else_twice(seed: int, zero_point: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    scale = float(np.float32(draw.uniform(0.001, 0.1)))
    inverse = np.float32(1) / np.float32(scale)
    # Near the border of two steps.
    values = ((draw.integers(-130, 130, count) + 0.5) / float(inverse)).astype(np.float32)
    values = np.nextafter(values, np.float32(draw.choice([-np.inf, np.inf])) if seed % 2 else values)
    once = [round(Fraction(float(one)) * Fraction(float(inverse))) for one in values]
    twice = [round(Fraction(float(np.float32(one * inverse)))) for one in values]
    blocks = count // 16 * 16
    for instruction_set, wanted in ((MVE, once[:blocks] + twice[blocks:]), (DSP, twice)):
        found = of(torch.from_numpy(values), scale, zero_point, instruction_set)
        assert found.tolist() == [min(max(one + zero_point, -128), 127) for one in wanted]


def test_a_value_on_a_border_is_what_a_processor_gives() -> None:
    """Values that `torch.where` reads in a small model, as its file quantised them under QEMU."""
    values = torch.full((48,), -0.07189484685659409)
    for instruction_set, counted in ((MVE, -22), (DSP, -23)):
        assert set(of(values, 0.02054138481616974, -19, instruction_set).tolist()) == {counted}


def test_floats_beside_a_border_are_quantised_as_a_processor_does() -> None:
    """What a layer norm under QEMU gave, and what its file made of it; PyTorch gives a value beyond the border.

    ExecuTorch's portable layer norm differs from PyTorch's by 5e-07 there, and the border is 3e-07 away.
    """
    scale, zero_point = 0.03747410327196121, 1
    for value, instruction_set, counted in ((-1.8174937963485718, DSP, -47), (-1.8174940347671509, MVE, -48)):
        assert set(of(torch.full((16,), value), scale, zero_point, instruction_set).tolist()) == {counted}
        assert set(of(torch.full((16,), -1.81749427318573), scale, zero_point, instruction_set).tolist()) == {-48}


def test_mve_wraps_around_what_is_far_from_the_zero_point_and_dsp_saturates() -> None:
    values = torch.full((17,), 40_000.0)
    assert of(values, 1.0, 0, DSP).tolist() == [127] * 17
    assert of(values, 1.0, 0, MVE).tolist() == [-128] * 16 + [127]  # 40,000 - 65,536 is negative


def test_the_last_values_in_memory_are_the_ones_that_are_rounded_twice() -> None:
    image = torch.arange(2 * 3 * 4, dtype=torch.float32).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    found = of(image * 50_000, 1.0, 0, MVE)
    assert found.dim_order() == image.dim_order() and found.shape == image.shape
    flat = found.permute(0, 2, 3, 1).reshape(-1)
    assert flat[16:].tolist() == [127] * 8
    assert (flat[:16] != 127).any()
