"""Classes of passes and choices by what they promise about the outputs."""

from __future__ import annotations

from enum import IntEnum


class Exactness(IntEnum):
    """Classes in order: allowing one class allows those before it.

    EXACT: outputs equal the default lowering's bit for bit. REQUANTISING: the same mathematics, other rounding.
    PRECISION: numbers of other widths.
    """

    EXACT = 0
    REQUANTISING = 1
    PRECISION = 2

    def __str__(self) -> str:
        """The name in messages and stored results."""
        return self.name.lower()
