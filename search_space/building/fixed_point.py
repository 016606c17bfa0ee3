"""Real factors as multipliers and shifts of a RESCALE."""

from __future__ import annotations

import numpy as np

_LEAST_SHIFT, _MOST_SHIFT = 2, 62


def multipliers_and_shifts(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The multipliers and shifts that are nearest to real factors.

    Source: TOSA 1.0, RESCALE with scale32: factor = multiplier * 2^-shift.

    Args:
        factors: float64, one dimension.

    Returns:
        Multipliers (int32, 2^30 and more) and shifts (int8, 2 to 62). None if a factor is not positive or out of range.
    """
    if not (factors > 0).all():
        return None
    fractions, exponents = np.frexp(factors)
    multipliers = np.rint(fractions * 2.0**31).astype(np.int64)
    full = multipliers == 1 << 31
    multipliers, shifts = np.where(full, multipliers >> 1, multipliers), 31 - exponents - full
    if shifts.min() < _LEAST_SHIFT or shifts.max() > _MOST_SHIFT:
        return None
    return multipliers.astype(np.int32), shifts.astype(np.int8)
