"""The JSON of `velatune tune`: one result, as docs/tune-json.md describes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt

from results.records.best import Best
from results.records.compare import figures_of, gain_of
from results.records.families import family_of
from results.records.figures import Reuse
from results.records.measurement import Measurement
from results.records.record import ExactnessClass, Label, RunStatus
from results.reports.pareto import Pareto, Point
from results.reports.prediction_error import error_for


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FiguresJson(_Strict):
    """What a recipe costs. Every number carries `label`."""

    label: Label = Field(description="where the numbers come from")
    cycles: NonNegativeInt = Field(description="the objective; less is better")
    sram_bytes: NonNegativeInt = Field(description="peak SRAM")
    flash_bytes: NonNegativeInt = Field(description="weights and commands in flash or DRAM")
    metrics: dict[str, NonNegativeInt] = Field(description="what else the family's backend counts, by name")


class QualityJson(_Strict):
    """How near outputs are to the float model's on calibration inputs. Each number has a label."""

    label: Label = Field(description="where the numbers come from")
    sqnr_db: float = Field(description="signal-to-quantisation-noise ratio of the best recipe's worst output")
    default_sqnr_db: float = Field(description="that of the default recipe")
    default_label: Label = Field(description="where the default recipe's numbers come from")
    runner: str = Field(description="the user's command that measured them; empty where they are simulated")
    inputs: NonNegativeInt = Field(description="calibration inputs that were run")
    metric: float | None = Field(description="what --metric gives for the best recipe, if one was given")
    default_metric: float | None = Field(description="what it gives for the default recipe")


class PredictionErrorJson(_Strict):
    """How far predicted cycles are off, in percent of what was counted."""

    mean_percent: NonNegativeFloat = Field(description="for whole programs, on average")
    worst_percent: NonNegativeFloat = Field(description="for the whole program where it is largest")
    pair_percent: NonNegativeFloat = Field(description="for the ratio of two programs of one model, on average")
    programs: NonNegativeInt = Field(description="programs that were compared")
    origin: Literal["shipped", "own"] = Field(description="evidence that ships, or the user's own on this target")
    unmeasured_percent: NonNegativeFloat = Field(
        description="part of the best's cycles on the NPU that is in kinds of operation without evidence"
    )
    unmeasured_kinds: list[str] = Field(description="those kinds, the dearest first")


class ParetoPointJson(_Strict):
    """A candidate on the front of cycles against SRAM. Every number carries `label`."""

    recipe: str = Field(description="what `velatune apply --recipe` takes")
    label: Label = Field(description="where the numbers come from")
    cycles: NonNegativeInt = Field(description="the objective")
    sram_bytes: NonNegativeInt = Field(description="peak SRAM")
    flash_bytes: NonNegativeInt = Field(description="weights and commands in flash or DRAM")


class QualityPointJson(ParetoPointJson):
    """A candidate on the front of cycles against quality. `label` is of the figures, `quality_label` of the ratio."""

    quality_label: Label = Field(description="where the ratio comes from")
    sqnr_db: float = Field(description="signal-to-quantisation-noise ratio of its worst output")
    within_limit: bool = Field(description="it is as good as what may be offered has to be")


class ReuseJson(_Strict):
    """How much of what this run asked for was known."""

    evaluations: NonNegativeInt = Field(description="candidates of this run")
    duplicates: NonNegativeInt = Field(description="those that came to a program which this run had seen")
    prices: NonNegativeInt = Field(description="graphs to compile")
    known_prices: NonNegativeInt = Field(description="those whose price was remembered")
    checks: NonNegativeInt = Field(description="graphs to compare with the default lowering")
    known_checks: NonNegativeInt = Field(description="those whose verdict was remembered")
    expansions: NonNegativeInt = Field(description="graphs whose successors were asked for")
    known_expansions: NonNegativeInt = Field(description="those for which no pass had to be run")


class TuneJson(_Strict):
    """One model on one target."""

    model: str = Field(description="the model as it was named")
    family: str = Field(description="of targets that one backend is for, such as ethos-u")
    target: str = Field(description="name of the device, such as ethos-u55-128")
    board: dict[str, str] = Field(description="what else the program depends on, such as facts of the board")
    status: RunStatus = Field(description="why the search stopped")
    default: FiguresJson = Field(description="the default recipe: what stock ExecuTorch does")
    best: FiguresJson = Field(description="the best recipe; the default's figures if nothing beats it")
    gain_percent: float | None = Field(
        description="cycles saved, in percent of the default's; null where `cycles` orders several facts"
    )
    prediction_error: PredictionErrorJson | None = Field(
        default=None, description="how far `cycles` of such targets are off on evidence; null where none is known"
    )
    within_error: bool = Field(default=False, description="the gain is smaller than what predictions can tell apart")
    recipe: str = Field(description="the best recipe, or `default`")
    default_fault: str = Field(
        description="what is wrong with the default's command streams, which Vela miscompiles; empty if nothing is"
    )
    verified: bool = Field(
        description="its outputs were checked equal to the default program's, bit for bit, its command streams executed"
    )
    exactness: ExactnessClass = Field(
        default="exact", description="class of the best recipe; other than exact only where that was allowed"
    )
    quality: QualityJson | None = Field(
        default=None, description="of the best recipe, where other than exact ones were allowed"
    )
    evaluations: NonNegativeInt = Field(description="candidates evaluated, earlier runs included")
    distinct: NonNegativeInt = Field(description="distinct programs among them")
    seconds: NonNegativeFloat = Field(description="time that the search took")
    seed: NonNegativeInt
    objective: dict[str, str] = Field(description="what `cycles` counts, and the limits of what may be offered")
    quantisation: dict[str, str]
    io_layout: str = Field(description="nhwc if rank-4 inputs lie in memory so, else nchw: in the order of dimensions")
    versions: dict[str, str] = Field(description="the toolchain that the figures hold for, by distribution")
    search_space_version: str
    identity: str = Field(description="key of this model, target and toolchain in the results store")
    reuse: ReuseJson | None = Field(default=None, description="of a run; not with a looked-up result")
    pareto: list[ParetoPointJson] = Field(
        default_factory=list,
        description="with --pareto only: the front of cycles against SRAM, the fewest cycles first",
    )
    pareto_quality: list[QualityPointJson] = Field(
        default_factory=list,
        description="with --pareto only, where other than exact recipes were allowed: the front of cycles against "
        "quality, the fewest cycles first",
    )


class TuneFailureJson(_Strict):
    """One model on one target that could not be tuned."""

    model: str = Field(description="the model as it was named")
    target: str = Field(description="name of the device")
    status: Literal["failed"]
    error: str = Field(description="why, in one line")


def tune_json(
    best: Best, fronts: Iterable[Pareto] = (), reuse: Reuse | None = None, measurements: Sequence[Measurement] = ()
) -> dict[str, Any]:
    """One element of the list that `velatune tune --json` prints; described in docs/tune-json.md.

    Args:
        best: what to describe.
        fronts: those that were asked for; the fields of others are left out.
        reuse: of the run; None, and left out, of a result that was looked up.
        measurements: the user's own, which say how far predictions are off.

    Returns:
        What `json.dumps` takes.
    """
    return tune_document(best, fronts, reuse, measurements).model_dump(exclude_unset=True)


def tune_document(
    best: Best, fronts: Iterable[Pareto] = (), reuse: Reuse | None = None, measurements: Sequence[Measurement] = ()
) -> TuneJson:
    """The same as a model of pydantic, which the service validates and describes.

    Args:
        best: what to describe.
        fronts: those that were asked for; the fields of others are unset.
        reuse: of the run; None, and unset, of a result that was looked up.
        measurements: the user's own, which say how far predictions are off.

    Returns:
        The document.
    """
    default, tuned = figures_of(best)
    identity = best.identity
    target = identity.target
    asked_for: dict[str, Any] = {}
    for pareto in fronts:
        if pareto.against == "SRAM":
            asked_for["pareto"] = list(map(point_json, pareto.front))
        else:
            asked_for["pareto_quality"] = [QualityPointJson(**_cost_of(p), **_merit_of(p)) for p in pareto.front]
    if best.best.quality is not None:
        quality = best.best.quality.to_json()
        asked_for["quality"] = QualityJson(**{name: quality[name] for name in QualityJson.model_fields})
    if reuse is not None:
        asked_for["reuse"] = ReuseJson(**reuse.to_json())
    gain, error = gain_of(best), error_for(identity, measurements, best.best.operators)
    # Plain, so that pydantic goes through all of it at once: every lookup makes one.
    document: dict[str, Any] = dict(
        model=identity.model_name,
        family=target.family,
        target=target.name,
        board=target.facts,
        status=best.status,
        default=vars(default),
        best=vars(tuned),
        gain_percent=round(gain.percent, 2) if family_of(target.family).has_ratio else None,
        prediction_error=vars(error) if error is not None else None,
        within_error=error is not None and error.covers(gain),
        recipe=best.recipe,
        default_fault=best.default_fault,
        verified=best.best.bit_exact,
        exactness=best.best.exactness,
        evaluations=best.evaluations,
        distinct=best.distinct,
        seconds=round(best.seconds, 3),
        seed=best.seed,
        objective=identity.objective,
        quantisation=identity.quantisation,
        io_layout=identity.io_layout,
        versions=identity.versions,
        search_space_version=identity.search_space_version,
        identity=identity.key,
        **asked_for,
    )
    return TuneJson.model_validate(document)


def point_json(point: Point) -> ParetoPointJson:
    """A candidate on the front of cycles against SRAM."""
    return ParetoPointJson(**_cost_of(point))


def _cost_of(point: Point) -> dict[str, Any]:
    figures = point.figures.to_json()
    return {name: figures[name] for name in ParetoPointJson.model_fields if name != "recipe"} | {"recipe": point.recipe}


def _merit_of(point: Point) -> dict[str, Any]:
    assert point.quality is not None  # of whatever is on a front against quality
    quality = point.quality
    return {"quality_label": quality.label, "sqnr_db": quality.sqnr_db, "within_limit": not quality.shortfall}
