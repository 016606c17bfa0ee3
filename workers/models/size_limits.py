"""How large a program from a file may be that nobody vouches for."""

from __future__ import annotations

import math

from workers.errors import ModelError
from workers.models.pt2_check import MOST_ELEMENTS

MOST_OPERATORS = 50_000


def check_size(name: str, shape: tuple[int, ...]) -> None:
    """Raises ModelError, in which the file is called `name`, for a tensor with too many elements."""
    if any(size < 0 for size in shape) or math.prod(shape) > MOST_ELEMENTS:
        raise ModelError(f"{name}: refused, it has a tensor of {' x '.join(map(str, shape))}")


def check_count(name: str, operators: int) -> None:
    """Raises ModelError, in which the file is called `name`, for too many operators."""
    if operators > MOST_OPERATORS:
        raise ModelError(f"{name}: refused, it has {operators:,} operators")
