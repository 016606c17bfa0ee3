"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from results.records import Label, RunStatus
from results.summary import ParetoPointJson, TuneJson

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


class SimulationJson(Answer):
    """What a simulator counted for the recipe."""

    identity_key: str
    recipe: str
    simulator: str
    runner_sha256: str
    npu_cycles: NonNegativeInt
    label: Label
    created: str


class DifferenceJson(Answer):
    """A field in which what is known differs from what was asked for."""

    field: str
    known: str
    asked: str


class LookupJson(Answer):
    """What is known. Only a hit is validated for what was asked; any other recipe is one to try."""

    answer: Literal["hit", "stale", "nearest", "miss"]
    identity: str = Field(description="key of what was asked for")
    best: TuneJson | None = Field(default=None, description="what is known; null for a miss")
    reason: str = Field(default="", description="why it is no hit, in one line")
    differences: list[DifferenceJson] = Field(default=[], description="what is different, for stale")
    simulated: list[SimulationJson] = Field(default=[], description="what simulators counted for the recipe")


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
    executorch: str
    ethos_u_vela: str
    tosa_tools: str
    search_space_version: str
    recipe: str
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
