"""A suite file: what a night or a sweep goes over, in TOML. Paths in it are relative to the file's folder."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
)
from pydantic import ValidationError as Invalid

from results.nightly.night import Limits
from tuner.tuning.objective import Objective
from tuner.tuning.quality_limits import allowance_of
from workers.backend.job import Job
from workers.backend.registry import target_named
from workers.backend.target import Target
from workers.checking.allowance import DEFAULT_LOSS_DB, Allowance
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TargetEntry(_Strict):
    """A device and facts of its board, by the names that its backend has for them."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    name: str

    def parse(self) -> Target:
        """Raises ModelError if no backend knows it, or its own does not know such a board."""
        facts = self.model_extra or {}
        for fact, value in facts.items():
            if not isinstance(value, str):
                raise ModelError(f"target {self.name}: {fact} must be a text")
        return target_named(self.name, facts)


def _named(key: str) -> BeforeValidator:
    """A bare string stands for a table with one entry."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


Targets = Annotated[tuple[Annotated[TargetEntry, _named("name")], ...], Field(min_length=1, strict=False)]


def _default_loss(value: object) -> object:
    """`true` as the option without a number, `false` as no option."""
    return {True: DEFAULT_LOSS_DB, False: None}[value] if isinstance(value, bool) else value


Decibels = Annotated[NonNegativeFloat | None, BeforeValidator(_default_loss)]


class _Allowing(_Strict):
    """As `--allow-requant`, `--allow-precision`, `--metric`, `--min-metric` and `--min-sqnr`.

    `true` stands for the default number of dB.
    """

    allow_requant: Decibels = None
    allow_precision: Decibels = None
    metric: str | None = None
    min_metric: float | None = None
    min_sqnr: NonNegativeFloat | None = None

    @property
    def says_something(self) -> bool:
        return bool(self.model_fields_set & _Allowing.model_fields.keys())

    def allowance(self) -> Allowance:
        """Raises ModelError if they contradict each other, or there is no such file."""
        return allowance_of(self.allow_requant, self.allow_precision, self.metric, self.min_metric, self.min_sqnr)


class ModelEntry(_Allowing):
    """A model source as on the command line. targets, and what it says of quality: its own, instead of the suite's."""

    source: str = Field(min_length=1)
    targets: Targets | None = None
    calibration_data: str | None = None
    io_layout: IoLayout | None = None


class BudgetEntry(_Strict):
    """What a whole night may spend; without both limits it ends when no search gains any more.

    Attributes:
        per_job: candidates for one model and target in one night.
    """

    seconds: PositiveFloat | None = None
    candidates: PositiveInt | None = None
    per_job: PositiveInt = 1000


class LimitsEntry(_Strict):
    """Regressions beyond these fail the night, in percent."""

    best_percent: NonNegativeFloat = 1.0
    default_percent: NonNegativeFloat | None = None


class ObjectiveEntry(_Allowing):
    """As `--objective`, `--max-sram` and `--max-flash`."""

    kind: str | None = None
    max_sram: PositiveInt | None = None
    max_flash: PositiveInt | None = None


class Suite(_Strict):
    """A whole file.

    Attributes:
        name: what the nights remember is kept under it; by default the file's name.
        store, out: as `--store` and `--out`; None for the user's own store and for no reports.
        fresh_days: how long a search that gained nothing more is left alone.
        attempts: nights in a row that a job may fail before it goes into quarantine.
    """

    name: str = Field(min_length=1, max_length=200)
    models: Annotated[tuple[Annotated[ModelEntry, _named("source")], ...], Field(min_length=1, strict=False)]
    targets: Targets | None = None
    store: str | None = None
    out: str | None = None
    seed: int = Field(default=0, ge=0)
    fresh_days: PositiveFloat = 7.0
    attempts: PositiveInt = 3
    budget: BudgetEntry = BudgetEntry()
    limits: LimitsEntry = LimitsEntry()
    objective: ObjectiveEntry = ObjectiveEntry()

    def jobs(self, cache_dir: Path) -> list[Job]:
        """Every model on every target, each once, in the file's order.

        Raises:
            ModelError: a target is unknown, a model has none, or what is said of quality makes no sense.
        """
        parsed: dict[TargetEntry, Target] = {}
        jobs: dict[Job, None] = {}
        shared = self._allowance(self.objective, "objective")
        for model in self.models:
            allowance = self._allowance(model, model.source) if model.says_something else shared
            targets = model.targets or self.targets
            if not targets:
                raise ModelError(f"suite {self.name}: {model.source} has no targets, and neither has the suite")
            for entry in targets:
                if entry not in parsed:
                    parsed[entry] = entry.parse()
                data = None if model.calibration_data is None else Path(model.calibration_data)
                jobs[Job(model.source, parsed[entry], cache_dir, self.seed, data, model.io_layout, allowance)] = None
        return list(jobs)

    def objective_of(self, job: Job) -> Objective:
        """What is minimised for one of the jobs."""
        return Objective(self.objective.kind, self.objective.max_sram, self.objective.max_flash, job.allowance)

    def _allowance(self, entry: _Allowing, where: str) -> Allowance:
        try:
            return entry.allowance()
        except ModelError as error:
            raise ModelError(f"suite {self.name}: {where}: {error}") from None

    def night_limits(self) -> Limits:
        return Limits(self.limits.best_percent, self.limits.default_percent)


def read_suite(path: Path) -> Suite:
    """Read and check a suite file.

    Raises:
        ModelError: it cannot be read, is no TOML, or has an unknown key or value. The one line names the place.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not TOML, {error}") from error
    try:
        return Suite.model_validate({"name": path.stem, **content})
    except Invalid as invalid:
        first, *others = invalid.errors(include_url=False, include_input=False)
        more = f" (and {len(others)} more)" if others else ""
        raise ModelError(f"{path}: {_place(first['loc'])}: {_fault(first)}{more}") from None


def _place(location: Sequence[str | int]) -> str:
    """`models[2].io_layout`"""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _fault(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown name"
    if error["type"] == "missing":
        return "is missing"
    text: str = error["msg"]
    return text[0].lower() + text[1:]
