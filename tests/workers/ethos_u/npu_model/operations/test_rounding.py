"""Scales and rounding against exact fractions and the reference model's RESCALE."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, trunc

import numpy as np
import pytest
from support.streams.tflite_addition import high_product, rounded_quotient

from velatune.testing.program import Program
from workers.checking.reference import run_reference
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.rounding import scaled, within

VALUES = [0, 1, -1, 2, -2, 3, -3, 5, -7, 1000, -1001, 46340, -46341, (1 << 31) - 1, -(1 << 31)]
SCALES = [(1, 0), (1, 1), (3, 1), (3, 2), (1 << 30, 30), (1 << 30, 31), (1431655765, 40), ((1 << 31) - 1, 62), (1, 63)]

HALF = Fraction(1, 2)
ROUNDED = {
    "NATURAL": lambda exact: floor(exact + HALF),
    "SYMMETRIC": lambda exact: floor(exact + HALF) if exact >= 0 else ceil(exact - HALF),
    "TRUNCATE": trunc,
    "TRUNCATE_TO_ZERO": trunc,
    "TRUNCATE_TO_LOWER": floor,
}


@pytest.mark.parametrize("mode", sorted(ROUNDED))
def test_rounding_of_exact_fractions(mode: str) -> None:
    for scale, shift in SCALES:
        expected = [ROUNDED[mode](Fraction(value * scale, 1 << shift)) for value in VALUES]
        assert scaled(np.array(VALUES), scale, shift, mode).tolist() == expected, (scale, shift)


@pytest.mark.parametrize("modes", [["NATURAL"], ["DBL", "DOUBLE_SYMMETRIC"]])
@pytest.mark.parametrize("shift", [30, 31, 32, 33, 45, 61, 62])
def test_a_rescale_of_tosa(modes: list[str], shift: int) -> None:
    reach = min(shift - 1, 31)
    random = np.random.default_rng(shift)
    values = random.integers(-(1 << reach), 1 << reach, 4096) >> random.integers(0, 31, 4096)
    values[:2] = -(1 << reach), (1 << reach) - 1
    for multiplier in (1 << 30, 1717986918, (1 << 31) - 1) if shift > 31 else (1 << 29, 1 << 30):
        # Where a double rounding differs from a single one: the product is just below or above a half.
        values[2:1000] = ((2 * random.integers(-500, 500, 998) + 1 << shift - 1) // multiplier).clip(*values[:2])
        p = Program()
        graph = p.graph(p.rescale_by(p.input(4096, dtype="INT32"), "INT32", multiplier, shift, double="DBL" in modes))
        (expected,) = run_reference(graph, [values.astype(np.int32)])
        for mode in modes:
            assert np.array_equal(scaled(values, multiplier, shift, mode), expected), multiplier


@pytest.mark.parametrize("ahead", [15, 20])
def test_a_scaled_operand_of_tensorflow_lite(ahead: int) -> None:
    """Shifted left, multiplied and rounded, then shifted right and rounded again."""
    random = np.random.default_rng(ahead)
    values = np.concatenate((random.integers(-256, 256, 4096), [-256, 255, 0, 1, -1]))
    for multiplier in (1 << 30, *random.integers(1 << 30, 1 << 31, 200).tolist()):
        for exponent in range(12):
            expected = rounded_quotient(high_product(values << ahead, multiplier), exponent)
            found = scaled(values, multiplier, 31 - ahead + exponent, "DBL", ahead)
            assert np.array_equal(found, expected), (multiplier, exponent)


def test_one_scale_for_each_channel() -> None:
    values = np.arange(-12, 12).reshape(1, 2, 3, 4)
    scales, shifts = np.array([1, 3, 5, 1 << 31]), np.array([0, 1, 33, 40])
    each = [scaled(values[..., c], int(scales[c]), int(shifts[c]), "DBL") for c in range(4)]
    assert np.array_equal(scaled(values, scales, shifts, "DBL"), np.stack(each, axis=-1))


def test_products_of_more_than_64_bits_are_exact() -> None:
    value, scale, shift = (1 << 47) - 12345, (1 << 32) - 1, 35
    for mode, rounded in ROUNDED.items():
        for signed in (value, -value):
            assert scaled(np.array([signed]), scale, shift, mode).tolist() == [
                rounded(Fraction(signed * scale, 1 << shift))
            ]
    with pytest.raises(Fault, match="overflows 64 bits"):
        scaled(np.array([value]), scale, 0, "NATURAL")


def test_an_unknown_mode_is_not_guessed() -> None:
    with pytest.raises(Unmodelled, match="rounding mode HALF_EVEN"):
        scaled(np.array([1]), 1, 0, "HALF_EVEN")


def test_what_does_not_fit_is_a_fault() -> None:
    assert within(np.array([-128, 127]), 8, "a value").tolist() == [-128, 127]
    for one in (-129, 128):
        with pytest.raises(Fault, match="a value overflows 8 bits"):
            within(np.array([0, one]), 8, "a value")
