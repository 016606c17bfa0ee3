"""How near outputs come to those of the float model: the signal-to-noise ratio of each."""

from __future__ import annotations

from dataclasses import dataclass

from workers.checking.allowance import Quality, QualityLabel
from workers.checking.sqnr import MOST_DB


@dataclass(frozen=True)
class OutputQuality:
    """How near the outputs of a program are to the reference.

    Attributes:
        decibels: of each output, over all samples.
        samples: how many inputs.
        error_db: by how much they may be too high.
        runner, label: as of `workers.checking.allowance.Quality`.
    """

    decibels: tuple[float, ...]
    samples: int
    error_db: float = 0.0
    runner: str = ""
    label: QualityLabel = "simulated"

    @property
    def bound(self) -> Quality:
        """Of the worst output, what is left if they are too high. No noise at all is taken as it is."""
        worst = min(self.decibels, default=MOST_DB)
        bound = worst if worst == MOST_DB else worst - self.error_db
        return Quality(bound, self.samples, runner=self.runner, label=self.label)
