"""Turns what a worker found into a record for the store."""

from __future__ import annotations

from results.records.evaluation import Evaluation
from results.records.figures import Figures, OperatorRow, Quality
from results.records.identity import Identity
from results.records.record import ExactnessClass, Status
from search_space.exactness import Exactness
from tuner.tuning.objective import FamilyObjective
from workers.backend.cost import Cost
from workers.evaluator import Outcome
from workers.pool.failures import WorkerLost


def evaluation_of(
    outcome: Outcome, identity: Identity, objective: FamilyObjective, default: Cost, with_rows: bool
) -> Evaluation:
    """The record of a candidate that came back.

    One whose program is right and whose command streams are not is wrong, and keeps its figures. Gains over a default
    lowering that is miscompiled are reported against them.

    One whose command streams were not executed is not verified.

    Args:
        outcome: what came of it.
        identity: what it is stored under.
        objective: says what is minimised, and the limits of quality.
        default: what the default lowering costs.
        with_rows: keep its cycles per operator too.

    Returns:
        The record; its figures are predicted.
    """
    cost = outcome.cost
    if cost is None:
        return Evaluation(
            identity.key,
            outcome.recipe,
            outcome.program_hash,
            outcome.status,
            outcome.reason,
            seconds=outcome.seconds,
            exactness=_class_of(outcome),
        )
    short = shortfalls(outcome, objective)
    status: Status = "wrong" if outcome.stream_fault else "ok"
    rows = tuple(OperatorRow(**vars(row)) for row in cost.rows) if with_rows else ()
    return Evaluation(
        identity_key=identity.key,
        recipe=outcome.recipe,
        program_hash=outcome.program_hash,
        status=status,
        reason=outcome.stream_fault,
        figures=Figures(
            cycles=objective.cycles(cost, default),
            sram_bytes=cost.sram_bytes,
            flash_bytes=cost.flash_bytes,
            metrics=dict(cost.metrics),
            label="predicted",
        ),
        verified=status == "ok" and outcome.executed and not short,
        check=outcome.check,
        command_stream_sha256=cost.artifact_sha256,
        operators=rows,
        seconds=outcome.seconds,
        exactness=_class_of(outcome),
        quality=_quality_of(outcome, " and ".join(short)),
    )


def shortfalls(outcome: Outcome, objective: FamilyObjective) -> dict[str, float]:
    """Quality limits that a candidate violates, as `workers.checking.allowance.Allowance.shortfalls` returns them.

    Args:
        outcome: what came of the candidate.
        objective: with the limits of quality.

    Returns:
        By message; empty if quality was not measured or is within the limits.
    """
    if outcome.quality is None or outcome.default_quality is None:
        return {}
    return objective.allowance.shortfalls(outcome.quality, outcome.default_quality)


def _class_of(outcome: Outcome) -> ExactnessClass:
    names: dict[Exactness, ExactnessClass] = {
        Exactness.EXACT: "exact", Exactness.REQUANTISING: "requantising", Exactness.PRECISION: "precision",
    }  # fmt: skip
    return names[outcome.exactness]


def _quality_of(outcome: Outcome, shortfall: str) -> Quality | None:
    found, default = outcome.quality, outcome.default_quality
    if found is None or default is None:
        return None
    return Quality(
        found.sqnr_db, default.sqnr_db, found.inputs, found.metric, default.metric, shortfall,
        label=found.label, default_label=default.label, runner=found.runner,
    )  # fmt: skip


def quarantined(recipe: str, lost: WorkerLost, identity: Identity) -> Evaluation:
    """The record of a candidate that cost every worker that tried it.

    Args:
        recipe: its text.
        lost: how the workers were lost.
        identity: what it is stored under.

    Returns:
        The record, without figures.
    """
    return Evaluation(identity.key, recipe, "", lost.kind, lost.detail, attempts=lost.attempts)
