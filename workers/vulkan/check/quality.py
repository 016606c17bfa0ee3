"""How near outputs come to those of the float model: the signal-to-noise ratio of each."""

from __future__ import annotations

from dataclasses import dataclass

from workers.checking.sqnr import MOST_DB


@dataclass(frozen=True)
class Quality:
    """decibels: of each output, over all samples. samples: how many inputs."""

    decibels: tuple[float, ...]
    samples: int

    @property
    def worst(self) -> float:
        """Of the worst output."""
        return min(self.decibels, default=MOST_DB)
