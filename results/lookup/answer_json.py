"""A lookup's answer as JSON: what `velatune lookup --json` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from results.lookup.lookup import Answer, Hit, Miss, Nearest
from results.records.evaluation import Simulation
from results.records.measurement import Measurement
from results.reports.tune_json import TuneJson, tune_document


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DifferenceJson(_Strict):
    """A field of the identity that is not as it was asked for."""

    field: str
    found: str = Field(description="its value in what was found")
    asked: str = Field(description="the value asked for")


class SimulationJson(_Strict):
    """What a simulator counted for the recipe."""

    simulator: str
    runner_sha256: str
    npu_cycles: NonNegativeInt
    label: Literal["simulated"]
    created: str


class LookupJson(_Strict):
    """The answer to one lookup; only a hit's figures hold for what was asked for."""

    answer: Literal["hit", "stale", "nearest", "miss"]
    identity: str = Field(description="key of what was asked for")
    best: TuneJson | None = Field(default=None, description="its `verified` is false of what was only imported")
    differences: list[DifferenceJson] = Field(default_factory=list, description="of a stale or nearest answer")
    same_shapes: bool | None = Field(default=None, description="of a nearest answer: that model has the same sizes")
    reason: str = Field(default="", description="of a stale or nearest answer: the differences in one line")
    simulated: list[SimulationJson] = Field(default=[], description="simulations of the recipe that was found")


def lookup_json(
    answer: Answer, identity_key: str, simulations: Iterable[Simulation] = (), measurements: Sequence[Measurement] = ()
) -> dict[str, Any]:
    """The JSON of an answer; fields that its kind does not have are left out.

    Args:
        answer: of a lookup.
        identity_key: of the identity that was asked for.
        simulations: of the identity that was found; those of other recipes than the answer's are left out.
        measurements: the user's own, which say how far predictions are off.

    Returns:
        What `json.dumps` takes; docs/tune-json.md describes `best`.
    """
    return lookup_document(answer, identity_key, simulations, measurements).model_dump(exclude_unset=True)


def lookup_document(
    answer: Answer, identity_key: str, simulations: Iterable[Simulation] = (), measurements: Sequence[Measurement] = ()
) -> LookupJson:
    """The same as a model of pydantic, which the service validates and describes.

    Args:
        answer: of a lookup.
        identity_key: of the identity that was asked for.
        simulations: of the identity that was found; those of other recipes than the answer's are left out.
        measurements: the user's own, which say how far predictions are off.

    Returns:
        The document; fields that the answer's kind does not have are unset.
    """
    if isinstance(answer, Miss):
        return LookupJson(answer="miss", identity=identity_key)
    of_recipe = [one.to_json() for one in simulations if one.recipe == answer.best.recipe]
    document: dict[str, Any] = {
        "answer": type(answer).__name__.lower(),
        "identity": identity_key,
        "best": tune_document(answer.best, measurements=measurements),
        "simulated": [{name: one[name] for name in SimulationJson.model_fields} for one in of_recipe],
    }
    if not isinstance(answer, Hit):
        names = ("field", "found", "asked")
        document["differences"] = [dict(zip(names, one, strict=True)) for one in answer.differences]
        document["reason"] = answer.reason
    if isinstance(answer, Nearest):
        document["same_shapes"] = answer.same_shapes
    return LookupJson(**document)
