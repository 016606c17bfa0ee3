"""How long a search goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: A long recipe has some 20 elements, each of which is left out once.
LEAST_TO_SHORTEN = 16

Ending = Literal["exhausted", "trials", "timeout"]
"""Why a search ended."""


@dataclass(frozen=True)
class Budget:
    """When a search stops, besides when there is nothing left to try.

    Attributes:
        trials: candidates evaluated, those of earlier runs included.
        seconds: of search in this run as `SearchClock` counts them, or None.
    """

    trials: int
    seconds: float | None = None

    @property
    def to_shorten(self) -> int:
        """Candidates after the trials that leave out what the best recipe does not need."""
        return max(LEAST_TO_SHORTEN, self.trials // 2)


class Turn(Protocol):
    """Shares out what a search may spend together with others."""

    async def ended(self, cycles: int | None) -> Ending | None:
        """Waits until the search may continue (None), or returns why it may not.

        It is called while nothing is under way.

        Args:
            cycles: of its best so far, None if there is none.
        """

    def left(self, most: int) -> int:
        """How many of `most` candidates may be evaluated before `ended` is to be asked again."""

    def spend(self, candidates: int) -> None:
        """So many are being evaluated now."""
