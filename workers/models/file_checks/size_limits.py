"""Size limits for a program from a file that nobody vouches for."""

from __future__ import annotations

import math

from workers.errors import ModelError
from workers.models.file_checks.pt2_check import MOST_ELEMENTS

MOST_OPERATORS = 50_000


def check_size(name: str, shape: tuple[int, ...]) -> None:
    """See that a tensor has no more elements than a model may have.

    Args:
        name: what to call the file in errors.
        shape: of the tensor.

    Raises:
        ModelError: it has too many, or a negative size.
    """
    if any(size < 0 for size in shape) or math.prod(shape) > MOST_ELEMENTS:
        raise ModelError(f"{name}: refused, it has a tensor of {' x '.join(map(str, shape))}")


def check_count(name: str, operators: int) -> None:
    """See that a model has no more operators than it may have.

    Args:
        name: what to call the file in errors.
        operators: how many there are.

    Raises:
        ModelError: there are too many.
    """
    if operators > MOST_OPERATORS:
        raise ModelError(f"{name}: refused, it has {operators:,} operators")
