"""Random inputs that are as large as a model's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def drawn_like(inputs: tuple[Any, ...], random: np.random.Generator) -> tuple[Any, ...]:
    """Inputs of the same shapes and dtypes, in the same order of axes in memory.

    Args:
        inputs: of a model. What is no tensor of floats stays as it is.
        random: where values come from.

    Returns:
        Tensors of values between minus and plus the largest one of each input.
    """
    return tuple(_drawn(value, random) for value in inputs)


def _drawn(value: Any, random: np.random.Generator) -> Any:
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    scale = float(value.abs().max()) or 1.0
    drawn = torch.from_numpy(random.uniform(-scale, scale, tuple(value.shape))).to(value.dtype)
    return torch.empty_like(value).copy_(drawn)
