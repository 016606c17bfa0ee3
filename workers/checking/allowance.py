"""The quality that a search may give up for cycles.

It is none, unless the user allows it within a limit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from search_space.exactness import Exactness
from workers.errors import ModelError

DEFAULT_LOSS_DB = 0.5

QualityLabel = Literal["simulated", "measured"]


@dataclass(frozen=True)
class Metric:
    """A user's own measure of quality, larger is better: `file.py:function`.

    Attributes:
        sha256: of the file, so that results under another text of it are other results.
        minimum: what a candidate must reach.
    """

    source: str
    sha256: str
    minimum: float

    @staticmethod
    def of(source: str, minimum: float) -> Metric:
        """The user's function that measures a program.

        Args:
            source: as `--metric` has it, `file.py:function`.
            minimum: what it must give, in its own unit.

        Returns:
            The metric with the hash of its file.

        Raises:
            ModelError: `source` is written otherwise, or there is no such file.
        """
        place, colon, function = source.rpartition(":")
        if not colon or not place.endswith(".py") or not function:
            raise ModelError(f"--metric {source}: write file.py:function")
        return Metric(source, _hash(place), minimum)

    @property
    def place(self) -> str:
        return self.source.rpartition(":")[0]

    @property
    def function(self) -> str:
        return self.source.rpartition(":")[2]

    def check_unchanged(self) -> None:
        """Raises ModelError if the file is not what it was when the search began."""
        if _hash(self.place) != self.sha256:
            raise ModelError(f"--metric {self.source}: the file has changed since the search began")


def _hash(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"--metric {path}: cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class Quality:
    """How near a program comes to the float model, end to end, on the calibration inputs; see
    `workers.ethos_u.lowering.checks.quality`.

    Attributes:
        sqnr_db: of its worst output.
        inputs: how many calibration inputs it was run on.
        metric: the user's, if any.
        runner: the user's command that the program was run by; empty where it was run in Python.
        label: `measured` on hardware, `simulated` elsewhere.
        fault: in one line, why the program gave no outputs; the ratio is then the worst there is.
    """

    sqnr_db: float
    inputs: int
    metric: float | None = None
    runner: str = ""
    fault: str = ""
    label: QualityLabel = "simulated"


@dataclass(frozen=True)
class Allowance:
    """Part of every result's identity.

    Attributes:
        exactness: the class up to which recipes are tried.
        max_loss_db: by how much the signal-to-quantisation-noise ratio may be below the default lowering's, in dB.
        metric: is asked instead of that, if there is one.
        min_sqnr_db: the ratio that a candidate must reach instead, whatever the default's is, in dB; None for no such
            limit. It is what is wanted where the default computes in floating point.
    """

    exactness: Exactness = Exactness.EXACT
    max_loss_db: float = DEFAULT_LOSS_DB
    metric: Metric | None = None
    min_sqnr_db: float | None = None

    def __bool__(self) -> bool:
        """Whether anything is allowed that is not exact."""
        return self.exactness > Exactness.EXACT

    def facts(self) -> dict[str, str]:
        """What makes two of them the same; nothing where nothing is allowed."""
        if not self:
            return {}
        allowed = {"allowed": f"up to {self.exactness}"}
        if self.metric is None and self.min_sqnr_db is not None:
            return {**allowed, "min_sqnr_db": str(self.min_sqnr_db)}
        if self.metric is None:
            return {**allowed, "max_sqnr_loss_db": str(self.max_loss_db)}
        return {
            **allowed, "metric": self.metric.function, "metric_sha256": self.metric.sha256,
            "min_metric": str(self.metric.minimum),
        }  # fmt: skip

    @property
    def label(self) -> str:
        """For people, in a few words; empty if nothing is allowed."""
        if not self:
            return ""
        limit = f"at most {self.max_loss_db:g} dB less"
        if self.min_sqnr_db is not None:
            limit = f"at least {self.min_sqnr_db:g} dB"
        if self.metric is not None:
            limit = f"{self.metric.source} at least {self.metric.minimum:g}"
        return f"up to {self.exactness}, {limit}"

    def shortfalls(self, quality: Quality, default: Quality) -> dict[str, float]:
        """What forbids to offer a program.

        Args:
            quality: of the program.
            default: of the default lowering.

        Returns:
            Message -> by how much it falls short (dB, or the metric's own unit); empty if nothing forbids it.
        """
        if self.metric is None and self.min_sqnr_db is not None:
            lacking = self.min_sqnr_db - quality.sqnr_db
            text = quality.fault or f"its SQNR of {quality.sqnr_db:.2f} dB is below {self.min_sqnr_db:g} dB"
            return {text: lacking} if lacking > 0 else {}
        if self.metric is None:
            loss = default.sqnr_db - quality.sqnr_db
            text = quality.fault or (
                f"its SQNR of {quality.sqnr_db:.2f} dB is more than {self.max_loss_db:g} dB below the default's "
                f"{default.sqnr_db:.2f}"
            )
            return {text: loss - self.max_loss_db} if loss > self.max_loss_db else {}
        assert quality.metric is not None  # measured wherever one is asked for
        short = self.metric.minimum - quality.metric
        text = f"{self.metric.function} gives {quality.metric:g} for it, less than {self.metric.minimum:g}"
        return {text: short} if not short <= 0 else {}


EXACT_ONLY = Allowance()
