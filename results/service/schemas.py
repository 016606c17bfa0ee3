"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from results.answer_json import SimulationJson
from results.records import ExactnessClass, Label, RunStatus
from results.summary import ParetoPointJson, TuneJson

_WORD = r"^[A-Za-z0-9_]{1,100}$"

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
    target: str
    system_config: str
    memory_mode: str
    quantisation: str
    objective: str
    io_layout: str
    torch: str
    torchao: str
    executorch: str
    ethos_u_vela: str
    tosa_tools: str
    search_space_version: str
    recipe: str
    exactness: ExactnessClass = Field(description="exact: outputs equal bit for bit; else of a checked quality")
    label: Label
    default_cycles: NonNegativeInt
    best_cycles: NonNegativeInt
    gain_percent: float
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
    """A best that costs more than the one that was known before it for the same model and target."""

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
    npu_op: str
    cycles: NonNegativeInt
    vela_cycles: NonNegativeInt


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
    """A model file that the service keeps."""

    model: str = Field(description="what a job names as its model: upload:<sha256>")
    label: str = Field(description="what its sender calls it")
    kind: Literal["pt2", "tosa"]
    size_bytes: NonNegativeInt
    inputs: list[InputJson]
    operators: NonNegativeInt
    quantised: bool = Field(description="already, in the file; else it is quantised on random inputs")
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
    target: str = Field(description="the accelerator", pattern=r"^ethos-u(55|65|85)-[0-9]{2,4}$")
    system_config: str | None = Field(default=None, description="of the board; else ExecuTorch's", pattern=_WORD)
    memory_mode: str | None = Field(default=None, description="of the board; else ExecuTorch's", pattern=_WORD)
    io_layout: Literal["nchw", "nhwc"] | None = Field(default=None, description="how rank-4 inputs lie in memory")
    objective: Literal["stream", "vela", "both"] = Field(default="stream", description="whose cycles are minimised")
    max_sram_bytes: int | None = Field(default=None, ge=1, lt=2**63)
    max_flash_bytes: int | None = Field(default=None, ge=1, lt=2**63)
    trials: int = Field(default=200, ge=1, le=100_000, description="candidates at most, those of earlier jobs included")
    timeout_seconds: float = Field(default=3600.0, gt=0, le=86_400, description="of search at most")
    seed: int = Field(default=0, ge=0, lt=2**31)


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
