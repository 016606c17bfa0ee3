"""How far predicted cycles are off: on evidence that was made with this version, or on a user's own measurements.

`prediction_errors.json` has the errors by target and estimate. It is written by `python -m benchmarks.validation`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Literal

from results.compare import Gain
from results.measurement import Measurement
from results.records import Identity, Record

#: Where the errors lie that ship.
ERRORS_FILE = Path(__file__).with_name("prediction_errors.json")

WITHIN = "within the model's error"
"""What is said of a gain that predictions are too coarse to tell."""


@dataclass(frozen=True)
class PredictionError(Record):
    """How far predictions of one estimate are off for whole programs of one kind of target.

    Attributes:
        mean_percent, worst_percent: of the errors without their signs.
        pair_percent: how far the predicted ratio of two programs of one model is off, on average.
        programs: how many were compared.
        origin: `shipped` evidence, or the user's `own` measurements on this very target.
    """

    mean_percent: float
    worst_percent: float
    pair_percent: float
    programs: int
    origin: Literal["shipped", "own"] = "shipped"

    def __str__(self) -> str:
        # The worst one: the programs are few, and the shipped ones are those that the model was fitted on.
        return f"±{max(1, ceil(round(self.worst_percent, 1)))} %"

    @property
    def basis(self) -> str:
        """What it was found on, in words."""
        programs = f"{self.programs} program{'s' if self.programs > 1 else ''}"
        return f"{programs} of evidence" if self.origin == "shipped" else f"{programs} that you measured on this target"

    def covers(self, gain: Gain) -> bool:
        """Whether a gain is smaller than what predictions can tell apart. No gain at all needs no such word."""
        return 1.0 < gain.factor <= 1.0 + self.pair_percent / 100.0


@dataclass(frozen=True)
class _Known(Record):
    """An error and what it holds for.

    Attributes:
        target, objective: what the names of targets and the texts of objectives begin with.
        by: whether the objective counts by velatune's model of cycles or by the compiler's own estimate.
    """

    target: str
    objective: str
    by: Literal["model", "compiler"]
    error: PredictionError


@dataclass(frozen=True)
class ShippedErrors(Record):
    """The contents of `prediction_errors.json`. model_version: of the model of cycles that was compared."""

    model_version: str
    errors: tuple[_Known, ...]

    def find(self, target: str, objective: str) -> _Known | None:
        """The error of what an objective counts, on a target; None if there is no evidence."""
        fitting = (one for one in self.errors if target.startswith(one.target) and objective.startswith(one.objective))
        return next(fitting, None)


def labelled(label: str, error: PredictionError | None) -> str:
    """A label of cycles with how far such predictions are off, as in `predicted, ±6 %`."""
    return f"{label}, {error}" if error is not None and label == "predicted" else label


@cache
def shipped_errors() -> ShippedErrors:
    """The errors that ship."""
    return ShippedErrors.from_json(json.loads(ERRORS_FILE.read_text(encoding="utf-8")))


@cache
def shipped_error(target: str, objective: str) -> PredictionError | None:
    """How far predictions are off on the evidence that ships.

    Args:
        target: name of the accelerator.
        objective: `Identity.objective`, which says by which estimate cycles are counted, and by which version.

    Returns:
        None if there is no evidence for such targets, or it is of another version of the model.
    """
    known = shipped_errors().find(target, objective)
    return known.error if known is not None else None


def error_for(identity: Identity, measurements: Iterable[Measurement] = ()) -> PredictionError | None:
    """How far predictions for an identity are off: on the user's own measurements if there are any of its target,
    else on the evidence that ships.

    Args:
        measurements: the user's; those of other targets and those that another version of the model predicted say
            nothing.
    """
    known = shipped_errors().find(identity.target.accelerator, identity.objective)
    if known is None:
        return None
    version = shipped_errors().model_version
    own = [one for one in measurements if one.target == identity.target and one.model_version == version]
    if not own or known.by != "model":
        return known.error
    errors = [abs(one.error_percent) for one in own]
    return PredictionError(fmean(errors), max(errors), known.error.pair_percent, len(own), "own")
