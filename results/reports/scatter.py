"""Positions of points in a scatter plot, in percent of its size, so that text keeps its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MARGIN = 0.06  # of the range, free on either side
_INTERVALS = 4


@dataclass(frozen=True)
class Axis:
    """From values to percent of the axis.

    Attributes:
        ticks: round values, at most five.
    """

    low: float
    high: float
    ticks: tuple[int, ...]

    @classmethod
    def over(cls, values: Iterable[float]) -> Axis:
        """An axis with room for all values.

        Raises:
            ValueError: there are none.
        """
        known = list(values)
        least, most = min(known), max(known)
        # Values that are all alike get a range of their own size: a difference of one is not worth the whole plot.
        spread = max(most - least, most * 0.02, 4)
        middle = (least + most) / 2
        low = middle - spread * (0.5 + _MARGIN)
        high = middle + spread * (0.5 + _MARGIN)
        step = _round_step((high - low) / _INTERVALS)
        ticks = range(-int(-low // step) * step, int(high // step) * step + 1, step)
        return cls(low, high, tuple(tick for tick in ticks if tick >= 0))

    def percent(self, value: float) -> float:
        return 100 * (value - self.low) / (self.high - self.low)


def _round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that is not less."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= least:
                return digit * power
        power *= 10
