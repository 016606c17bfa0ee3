"""The schedule of searches that share one budget.

The law: everyone gets one slice of candidates, in the order of their ranks. From then on comes the search that gained
most in its last slice, in percent of its cycles. One that gained nothing waits for all that did. After a second slice
without gain it is done. So cores move to where candidates still bring something.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from itertools import count

from tuner.search.search import WINDOW
from tuner.tuning.budget import Ending

Rank = tuple[float, ...]

SLICE = 4 * WINDOW
"""Candidates between two decisions: enough that a search shows whether it gains, and that its workers stay warm."""

FRUITLESS = 2
"""Slices in a row without gain after which a search is done."""


class Scheduler:
    """Slots for searches, and what all of them may spend."""

    def __init__(self, places: int, seconds: float | None, candidates: int | None) -> None:
        """Begin with all slots free; time runs from now on.

        Args:
            places: searches that go on at once.
            seconds: for all searches together; None for no limit.
            candidates: for all searches together; None for no limit.
        """
        self._free = places
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._left = candidates
        self._waiting: list[tuple[Rank, int, asyncio.Future[bool]]] = []
        self._numbers = count()

    def left(self, most: int) -> int:
        """How many of `most` candidates there are left to evaluate."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            return 0
        return most if self._left is None else max(0, min(most, self._left))

    def over(self) -> bool:
        """Whether the budget is spent."""
        return not self.left(1)

    async def wait(self, rank: Rank) -> bool:
        """Wait for a place; False, and no place, if the budget is spent before."""
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), place))
        self._hand_out()
        return await place

    def spend(self, candidates: int) -> None:
        """Count candidates that are evaluated."""
        if self._left is not None:
            self._left -= candidates

    def leave(self) -> None:
        """Give a place back."""
        self._free += 1
        self._hand_out()

    def _hand_out(self) -> None:
        """Whoever waits without end would wait for somebody who leaves, and whoever leaves comes by here."""
        while self._waiting and (self._free or self.over()):
            place = heapq.heappop(self._waiting)[2]
            if place.done():  # whoever waited was cancelled
                continue
            granted = not self.over()
            self._free -= granted
            place.set_result(granted)


class Share:
    """One search's part: `tuner.tuning.budget.Turn`, between `start` and `stop`."""

    def __init__(self, turns: Scheduler, rank: Rank) -> None:
        """Ask for nothing yet; `start` does.

        Args:
            turns: whose slots and budget the search shares.
            rank: order of first slices, the least first.
        """
        self._turns, self._rank = turns, rank
        self._has_place = False
        self._left = 0  # of the slice
        self._slices = self._fruitless = 0
        self._cycles: int | None = None  # when the slice began

    async def start(self) -> bool:
        """Wait for the first slice; False if the budget is spent before."""
        self._has_place = await self._turns.wait((0, *self._rank))
        return self._has_place

    def stop(self) -> None:
        """Give the place back, if there is one."""
        if self._has_place:
            self._has_place = False
            self._turns.leave()

    def left(self, most: int) -> int:
        """See `tuner.tuning.budget.Turn`."""
        return self._turns.left(min(most, self._left))

    def spend(self, candidates: int) -> None:
        """See `tuner.tuning.budget.Turn`."""
        self._left -= candidates
        self._turns.spend(candidates)

    async def ended(self, cycles: int | None) -> Ending | None:
        """See `tuner.tuning.budget.Turn`."""
        if self._turns.over():
            return "timeout"
        if self._left:
            return None
        if self._slices:
            gain = _gain_percent(self._cycles, cycles)
            self._fruitless = 0 if gain > 0 else self._fruitless + 1
            if self._fruitless == FRUITLESS:
                return "trials"
            self.stop()
            self._has_place = await self._turns.wait((1, self._fruitless, -gain))
            if not self._has_place:
                return "timeout"
        self._slices += 1
        self._left, self._cycles = SLICE, cycles
        return None


def _gain_percent(before: int | None, now: int | None) -> float:
    """Cycles saved; what had nothing before has gained all there is."""
    if now is None:
        return 0.0
    return 100.0 if before is None else 100.0 * (before - now) / max(1, before)
