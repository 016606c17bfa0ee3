"""How far from the default lowering's outputs a pass or an alternative of a choice may lead."""

from __future__ import annotations

from enum import IntEnum


class Exactness(IntEnum):
    """A ladder: who allows one class allows those before it.

    EXACT: outputs equal the default lowering's bit for bit. REQUANTISING: the same mathematics, other rounding.
    PRECISION: numbers of other widths.
    """

    EXACT = 0
    REQUANTISING = 1
    PRECISION = 2

    def __str__(self) -> str:
        """As people read it, and results store it."""
        return self.name.lower()
