"""What is tuned: a model on a target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workers.checking.allowance import EXACT_ONLY, Allowance
from workers.ethos_u.target import Target
from workers.models.io_layout import IoLayout


@dataclass(frozen=True)
class Job:
    """One model on one target, and where this machine keeps what it remembers.

    source: see `workers.models.model_source`. calibration_data: the user's file or folder, or None. seed: of random
    calibration and check inputs. io_layout: see `workers.models.model_source.export`. allowance: what may be given up.
    """

    source: str
    target: Target
    cache_dir: Path
    seed: int
    calibration_data: Path | None = None
    io_layout: IoLayout | None = None
    allowance: Allowance = EXACT_ONLY

    @property
    def options(self) -> str:
        """For people: what was said besides model and target that makes another job of it; empty if nothing was."""
        said = (
            f"{self.io_layout} inputs" if self.io_layout else "",
            f"calibrated on {self.calibration_data}" if self.calibration_data else "",
            self.allowance.label,
        )
        return "; ".join(filter(None, said))
