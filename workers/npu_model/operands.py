"""Inputs as an operation computes with them."""

from __future__ import annotations

import numpy as np

from workers.command_stream import FeatureMap


def operand(feature_map: FeatureMap, values: np.ndarray | None) -> np.ndarray:
    """An input without its zero point.

    Args:
        feature_map: `Operation.ifm` or `ifm2`.
        values: `[S, H, W, C]` as stored; not looked at if the input is a constant in a register.

    Returns:
        int64, `[S, H, W, C]` or `[1, 1, 1, 1]`.
    """
    if feature_map.scalar is not None:
        return np.full((1, 1, 1, 1), feature_map.scalar - feature_map.zero_point, np.int64)
    assert values is not None
    result = values.astype(np.int64)
    if feature_map.zero_point:
        result -= feature_map.zero_point
    return result
