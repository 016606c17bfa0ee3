"""How far values are from those that are wanted."""

from __future__ import annotations

import numpy as np
import torch


def differing(found: torch.Tensor, wanted: torch.Tensor) -> int:
    """How many values have other bits.

    Args:
        found: a tensor of the shape, the dtype and the order of axes of the other one.
        wanted: the other one.

    Returns:
        Their number; zeros of two signs are two values.
    """
    pairs = (np.frombuffer(in_memory(one), dtype=np.uint8) for one in (found, wanted))
    one, other = (values.reshape(-1, wanted.element_size()) for values in pairs)
    return int((one != other).any(axis=1).sum())


def gap(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """The largest difference of two values.

    Args:
        found: a tensor of the shape of the other one.
        wanted: the other one.

    Returns:
        It; infinite where one of two is not a number.
    """
    gaps = (found.double() - wanted.double()).abs()
    same = (found == wanted) | ((found != found) & (wanted != wanted))  # also infinities
    return float(gaps.nan_to_num(nan=torch.inf).masked_fill(same, 0).max()) if gaps.numel() else 0.0


def distance(difference: float, step: float | None) -> str:
    """A difference of values as it is told.

    Args:
        difference: of the values.
        step: of their quantisation; None: they are not quantised.

    Returns:
        It in steps, or as it is where there is no step.
    """
    return f"{difference / step:.1f} steps" if step else f"{difference:.2g}"


def in_memory(tensor: torch.Tensor) -> bytes:
    """Its values as they lie in memory."""
    return tensor.permute(tensor.dim_order()).contiguous().numpy().tobytes()
