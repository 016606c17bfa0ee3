"""How far predicted cycles are off.

This is known from evidence made with this version, or from a user's own measurements.

`prediction_errors` has a file for each family of targets, with the errors by target and estimate. Benchmarks write
them: `benchmarks.predictions.validation` for Ethos-U, `benchmarks.cortex_m.costs` for Cortex-M.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Literal

from results.records.compare import Gain
from results.records.figures import OperatorRow
from results.records.identity import Facts, Identity
from results.records.measurement import Measurement
from results.records.record import Record

#: Where the errors lie that ship, a file for each family.
ERRORS_FOLDER = Path(__file__).with_name("prediction_errors")

#: A gap of fewer percent is not reported.
_LEAST_GAP_PERCENT = 0.5
#: So many kinds are named.
_NAMED_KINDS = 3

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
        unmeasured_percent: part of a program's cycles on the NPU that is in kinds of operation without evidence; 0
            where no program was named.
        unmeasured_kinds: those kinds, the dearest first.
    """

    mean_percent: float
    worst_percent: float
    pair_percent: float
    programs: int
    origin: Literal["shipped", "own"] = "shipped"
    unmeasured_percent: float = 0.0
    unmeasured_kinds: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.short} where evidence covers it; {self.gap}" if self.gap else self.short

    @property
    def short(self) -> str:
        """The number alone, as in `±6 %`."""
        # The worst one: the programs are few, and the shipped ones are those that the model was fitted on.
        return f"±{max(1, ceil(round(self.worst_percent, 1)))} %"

    @property
    def gap(self) -> str:
        """What the evidence does not cover, in words; empty if that is below 0.5 % of the cycles."""
        if self.unmeasured_percent < _LEAST_GAP_PERCENT:
            return ""
        named, more = self.unmeasured_kinds[:_NAMED_KINDS], len(self.unmeasured_kinds) - _NAMED_KINDS
        kinds = ", ".join([*named, *([f"{more} more"] if more > 0 else [])])
        return f"{self.unmeasured_percent:.0f} % of the cost is in kinds that no evidence covers ({kinds})"

    @property
    def on_basis(self) -> str:
        """The error and what it was found on, in words."""
        text = f"{self.short} on {self.basis}"
        return f"{text} where it covers the program; {self.gap}" if self.gap else text

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
        target: what the names of targets begin with.
        objective: fields that objectives have.
        by: whether the objective counts by velatune's model of cycles or by the compiler's own estimate.
        kinds: kinds of operation that there is evidence of, as in `OperatorRow.target_op`.
    """

    target: str
    objective: dict[str, str]
    by: Literal["model", "compiler"]
    kinds: tuple[str, ...]
    error: PredictionError

    def of(self, cycles: Iterable[tuple[str, int]]) -> PredictionError:
        """The error for a program.

        Args:
            cycles: its operations, as kinds and cycles.
        """
        total, unmeasured = 0, Counter[str]()
        for kind, count in cycles:
            total += count
            if kind not in self.kinds:
                unmeasured[kind] += count
        if not unmeasured.total():
            return self.error
        percent = round(100 * unmeasured.total() / total, 1)
        return replace(self.error, unmeasured_percent=percent, unmeasured_kinds=_dearest_first(unmeasured))


@dataclass(frozen=True)
class ShippedErrors(Record):
    """The contents of a file in `prediction_errors`.

    Attributes:
        model_version: of the model of cycles that was compared.
    """

    model_version: str
    errors: tuple[_Known, ...]

    def find(self, target: str, objective: Facts) -> _Known | None:
        """The error of what an objective counts, on a target; None if there is no evidence.

        Args:
            target: name of the target; evidence for a prefix of it fits.
            objective: facts of the objective; evidence fits if all of its facts are among them.

        Returns:
            The first error that fits; None if there is no evidence.
        """
        fitting = (
            one for one in self.errors if target.startswith(one.target) and one.objective.items() <= objective.items()
        )
        return next(fitting, None)


def labelled(label: str, error: PredictionError | None) -> str:
    """A label of cycles with how far such predictions are off, as in `predicted, ±6 %`.

    Args:
        label: of cycles, as `predicted` or `measured`.
        error: how far predictions are off; None if that is not known.

    Returns:
        As in `predicted, ±6 %`; the label alone if it is not `predicted` or the error is not known.
    """
    return f"{label}, {error}" if error is not None and label == "predicted" else label


@cache
def shipped_errors() -> tuple[ShippedErrors, ...]:
    """The errors that ship, by family."""
    files = sorted(ERRORS_FOLDER.glob("*.json"))
    return tuple(ShippedErrors.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files)


def _shipped(target: str, objective: Facts) -> tuple[_Known, str] | None:
    """The error of what an objective counts on a target, and the version of the model that it is of."""
    for family in shipped_errors():
        known = family.find(target, objective)
        if known is not None:
            return known, family.model_version
    return None


def shipped_error(target: str, objective: Facts, cycles: Iterable[tuple[str, int]] = ()) -> PredictionError | None:
    """How far predictions are off on the evidence that ships.

    Args:
        target: name of the device.
        objective: `Identity.objective`, which says by which estimate cycles are counted, and by which version.
        cycles: of a program's operations, as kinds and cycles; its error says how much of them evidence covers.

    Returns:
        None if there is no evidence for such targets, or it is of another version of the model.
    """
    found = _shipped(target, objective)
    return found[0].of(cycles) if found is not None else None


def error_for(
    identity: Identity, measurements: Iterable[Measurement] = (), operators: Iterable[OperatorRow] = ()
) -> PredictionError | None:
    """How far predictions for an identity are off. The user's own measurements count if there are any of its target,
    else the evidence that ships.

    Args:
        identity: of the program that is predicted.
        measurements: the user's; those of other targets and those that another version of the model predicted say
            nothing.
        operators: of the program that is predicted; the shipped evidence's error says how much of them it covers.

    Returns:
        The error in percent and the evidence it rests on; None if there is no evidence for the target and objective.
    """
    found = _shipped(identity.target.name, identity.objective)
    if found is None:
        return None
    known, version = found
    own = [one for one in measurements if one.target == identity.target and one.model_version == version]
    if not own or known.by != "model":
        return known.of((row.target_op, row.cycles) for row in operators)
    errors = [abs(one.error_percent) for one in own]
    return PredictionError(fmean(errors), max(errors), known.error.pair_percent, len(own), "own")


def _dearest_first(cycles: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted((kind for kind in cycles if cycles[kind]), key=lambda kind: (-cycles[kind], kind)))
