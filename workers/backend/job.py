"""What is tuned: a model on a target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from typing_extensions import TypeVar

from workers.backend.target import Target
from workers.checking.allowance import EXACT_ONLY, Allowance
from workers.models.exported.io_layout import IoLayout

T = TypeVar("T", bound=Target, default=Target, covariant=True)


@dataclass(frozen=True)
class Job(Generic[T]):
    """One model on one target, and where this machine keeps what it remembers.

    Attributes:
        source: see `workers.models.model_source`.
        target: the device and its board; its backend does everything that depends on the family.
        cache_dir: of lowered programs, values and the memo.
        seed: of random calibration and check inputs.
        calibration_data: the user's file or folder, or None.
        io_layout: see `workers.models.model_source.export`.
        allowance: what may be given up.
    """

    source: str
    target: T
    cache_dir: Path
    seed: int
    calibration_data: Path | None = None
    io_layout: IoLayout | None = None
    allowance: Allowance = EXACT_ONLY

    @property
    def options(self) -> str:
        """For people: what makes another job of it besides model and target; empty if nothing does."""
        said = (
            f"{self.io_layout} inputs" if self.io_layout else "",
            f"calibrated on {self.calibration_data}" if self.calibration_data else "",
            self.allowance.label,
        )
        return "; ".join(filter(None, said))
