"""Inputs as an operation computes with them."""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import FeatureMap


def operand(feature_map: FeatureMap, values: np.ndarray, dtype: type[np.signedinteger] = np.int64) -> np.ndarray:
    """An input without its zero point.

    Args:
        feature_map: `Operation.ifm` or `ifm2`.
        values: `[S, H, W, C]` as stored; of a constant in a register, `[1, 1, 1, 1]`.
        dtype: of the result; it must hold the difference.

    Returns:
        An array of its own, `[S, H, W, C]` or `[1, 1, 1, 1]`.
    """
    return np.subtract(values, feature_map.zero_point, dtype=dtype, casting="unsafe")
