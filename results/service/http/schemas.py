"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, StringConstraints, model_validator

from results.lookup.answer_json import SimulationJson
from results.records.record import ExactnessClass, Label, RunStatus, Status
from results.reports.tune_json import ParetoPointJson, TuneJson

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}$")]

_MOST_DB = 1000.0

Key = Field(description="key of an identity: SHA-256 in hex", pattern="^[0-9a-f]{64}$")


class Answer(BaseModel):
    """Base of all answers: nothing that is not described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HealthJson(Answer):
    """The process answers."""

    status: Literal["ok"]


class ReadyJson(Answer):
    """The store and the service's own database answer."""

    status: Literal["ready"]


class LineJson(Answer):
    """One best in a list."""

    identity: str = Key
    model: str
    model_hash: str
    family: str
    target: str
    facts: dict[str, str]
    quantisation: dict[str, str]
    objective: dict[str, str]
    io_layout: str
    versions: dict[str, str]
    search_space_version: str
    recipe: str
    exactness: ExactnessClass = Field(description="exact: outputs equal bit for bit; else of a checked quality")
    label: Label
    default_cycles: NonNegativeInt
    default_metrics: dict[str, NonNegativeInt] = Field(description="what else the family's backend counts, by name")
    default_status: Status = Field(description="wrong where the compiler makes something else of the default lowering")
    best_cycles: NonNegativeInt
    best_metrics: dict[str, NonNegativeInt]
    gain_percent: float | None = Field(description="null where cycles order several facts")
    evaluations: NonNegativeInt
    seconds: float
    status: RunStatus = Field(description="why the search stopped")
    fresh: bool = Field(description="found with the versions that the service has now")
    updated: str = Field(description="UTC")


class LinesJson(Answer):
    """Part of a list of bests."""

    bests: list[LineJson]
    total: NonNegativeInt = Field(description="how many there are in all")


class RegressionJson(Answer):
    """A best that costs more than the one known before it for the same model and target."""

    model: str
    target: str
    label: Label
    before: LineJson
    after: LineJson
    percent: float = Field(description="how much more")


class RegressionsJson(Answer):
    """Regressions, the newest first."""

    regressions: list[RegressionJson]


class OperatorJson(Answer):
    """One operator; its cycles carry the label of the figures."""

    delegate: NonNegativeInt
    name: str
    source_op: str
    target_op: str
    cycles: NonNegativeInt
    compiler_cycles: NonNegativeInt


class ElementJson(Answer):
    """An element of the recipe."""

    element: str
    law: str = Field(description="why it keeps the outputs")
    more_cycles_without: int | None = Field(description="what it brings; null where that was not evaluated")


class ResultJson(Answer):
    """A best with all that is known of it."""

    best: TuneJson
    elements: list[ElementJson]
    pareto: list[ParetoPointJson] = Field(description="front of cycles against SRAM, the fewest cycles first")
    default_operators: list[OperatorJson]
    best_operators: list[OperatorJson]
    simulated: list[SimulationJson]
    history: list[LineJson] = Field(description="this model and target over toolchains, the oldest first")


class InputJson(Answer):
    """An input of a model."""

    name: str
    shape: list[NonNegativeInt]
    dtype: str


class UploadJson(Answer):
    """A file that the service keeps: a model, or calibration inputs (`pt`, `npy`, `npz`)."""

    model: str = Field(description="what a job names as its model or its calibration_data: upload:<sha256>")
    label: str = Field(description="what its sender calls it")
    kind: Literal["pt2", "tosa", "pt", "npy", "npz"]
    size_bytes: NonNegativeInt
    inputs: list[InputJson] = Field(description="of the model, or of the first sample")
    operators: NonNegativeInt = Field(default=0, description="of a model")
    quantised: bool = Field(default=False, description="already, in the file; else calibration_data helps")
    samples: NonNegativeInt = Field(default=0, description="of calibration inputs")
    created: str


class BuiltInJson(Answer):
    """A model that needs no upload."""

    model: str
    description: str


class ModelsJson(Answer):
    """What a job may name as its model."""

    built_in: list[BuiltInJson]
    uploads: list[UploadJson]


class JobRequestJson(BaseModel):
    """What to tune, and for how long. The same request goes on where an earlier one stopped."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"example": {"model": "mlperf-tiny/ds-cnn", "target": "ethos-u55-128", "trials": 64}},
    )

    model: str = Field(description="a built-in model, or upload:<sha256>", max_length=200)
    target: str = Field(description="name of the device", pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")
    board: dict[Word, Word] = Field(
        default={}, description="facts of the board by option, such as system_config; the others have their defaults"
    )
    calibration_data: str | None = Field(
        default=None,
        description="upload:<sha256> of the inputs to quantise on; else the model's own, or random ones",
        pattern="^upload:[0-9a-f]{64}$",
    )
    io_layout: Literal["nchw", "nhwc"] | None = Field(default=None, description="how rank-4 inputs lie in memory")
    objective: Word | None = Field(default=None, description="what is minimised, as of `velatune tune --objective`")
    max_sram_bytes: int | None = Field(default=None, ge=1, lt=2**63)
    max_flash_bytes: int | None = Field(default=None, ge=1, lt=2**63)
    allow_requant: float | None = Field(
        default=None,
        ge=0,
        le=_MOST_DB,
        description="also try what rounds otherwise: dB of signal-to-quantisation-noise ratio that may be lost",
    )
    allow_precision: float | None = Field(
        default=None,
        ge=0,
        le=_MOST_DB,
        description="also int4 weights and int16 activations; instead of allow_requant",
    )
    trials: int = Field(default=200, ge=1, le=100_000, description="candidates at most, those of earlier jobs included")
    timeout_seconds: float = Field(default=3600.0, gt=0, le=86_400, description="of search at most")
    seed: int = Field(default=0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _allow_one(self) -> Self:
        if self.allow_requant is not None and self.allow_precision is not None:
            raise ValueError("allow_precision allows what allow_requant does: give one of them")
        return self


class JobJson(Answer):
    """A job and how far it is."""

    id: str
    state: Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
    reason: str = Field(description="why it failed, in one line")
    request: JobRequestJson
    attempts: NonNegativeInt = Field(description="how often it was started")
    identity: str | None = Field(description="key under which its result is found, as soon as that is known")
    created: str
    started: str | None
    ended: str | None


class JobsJson(Answer):
    """Jobs, the newest first."""

    jobs: list[JobJson]
