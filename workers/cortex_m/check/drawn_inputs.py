"""Random inputs that are as large as a model's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree


def drawn_like(inputs: tuple[Any, ...], random: np.random.Generator) -> tuple[Any, ...]:
    """Inputs of the same shapes and dtypes, in the same order of axes in memory.

    Args:
        inputs: of a model, nested as it takes them. What is no tensor of floats stays as it is.
        random: where values come from.

    Returns:
        Tensors of values between minus and plus the largest one of each input.
    """
    drawn: tuple[Any, ...] = pytree.tree_map(lambda value: _drawn(value, random), inputs)
    return drawn


def _drawn(value: Any, random: np.random.Generator) -> Any:
    if not isinstance(value, torch.Tensor) or not value.is_floating_point() or not value.numel():
        return value
    # A mask has infinities, which say nothing about a range.
    scale = float(value.abs().nan_to_num(nan=0, posinf=0).max()) or 1.0
    drawn = torch.from_numpy(random.uniform(-scale, scale, tuple(value.shape))).to(value.dtype)
    return torch.empty_like(value).copy_(drawn)
