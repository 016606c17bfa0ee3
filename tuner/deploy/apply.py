"""Write `.pte`s by recipes, with proof that they hold what was evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.tuning.evaluation.evaluations import evaluation_of
from tuner.tuning.identity import identity_of
from tuner.tuning.objective import Objective
from workers import tasks
from workers.backend.job import Job
from workers.errors import ModelError
from workers.evaluator import Outcome
from workers.pool.failures import WorkerLost
from workers.pool.local_pool import LocalPool
from workers.pool.shared import Enclosed

_SECONDS = 1800.0


async def applied(
    job: Job, objective: Objective, wanted: Mapping[str, Path | None], store: Store, log_dir: Path,
    idle: Callable[[str], None] | None = None,
) -> list[Evaluation]:  # fmt: skip
    """`applied_in` a process of its own.

    Args:
        job: the model and its target.
        objective: whose limits of quality the recipes must keep.
        wanted: where the `.pte` goes, by recipe; None for nowhere.
        store: the evaluations are recorded in it.
        log_dir: of the process's log.
        idle: gets a line for each element of a recipe that changes nothing in this model; None if nobody asks.

    Returns:
        The evaluations, in the order of `wanted`.

    Raises:
        SpaceError: a recipe is none; nothing was started then.
        ModelError: as `applied_in`.
    """
    for recipe in wanted:
        Recipe.parse(recipe)
    async with LocalPool(1, log_dir, tasks.warm_up) as pool:
        return await applied_in(pool, job, objective, wanted, store, idle)


async def applied_in(
    pool: LocalPool, job: Job, objective: Objective, wanted: Mapping[str, Path | None], store: Store,
    idle: Callable[[str], None] | None = None,
) -> list[Evaluation]:  # fmt: skip
    """Evaluate recipes on the job's model and write the `.pte` of each.

    The result is recorded with what each operator costs.

    Args:
        pool: of one process or more.
        job: the model and its target.
        objective: whose limits of quality the recipes must keep.
        wanted: where the `.pte` goes, by recipe; None for nowhere.
        store: the evaluations are recorded in it.
        idle: gets a line for each element of a recipe that changes nothing in this model.

    Returns:
        The evaluations, in the order of `wanted`.

    Raises:
        ModelError: a recipe is wrong, refused for this model, or short of the objective's limit of quality. Or what was
            written is not what was evaluated. Its file is then left as it was.
    """
    try:
        prepared = await pool.run(tasks.prepare, job, timeout_seconds=_SECONDS)
        base = prepared.base
        identity, wants = identity_of(base, job.target, objective), objective.on(job.target.backend)
        shared = Enclosed(base)

        async def outcome_of(recipe: str) -> Outcome:
            return await pool.run(tasks.evaluate, shared, base.key, job, recipe, timeout_seconds=_SECONDS)

        default = await outcome_of(str(Recipe()))
        if default.cost is None:
            raise ModelError(f"{job.source}: the default lowering is {default.status}, {default.reason}")
        store.identities.register(identity)
        store.evaluations.record(evaluation_of(default, identity, wants, default.cost, with_rows=True))
        evaluations = []
        for recipe, out in wanted.items():
            outcome = await outcome_of(recipe)
            evaluation = evaluation_of(outcome, identity, wants, default.cost, with_rows=True)
            store.evaluations.record(evaluation)
            if evaluation.status != "ok":
                raise ModelError(f"{job.source}: recipe '{recipe}' is {evaluation.status}, {evaluation.reason}")
            if not evaluation.verified and evaluation.quality is not None:
                raise ModelError(f"{job.source}: recipe '{recipe}' will not do, {evaluation.quality.shortfall}")
            if idle is not None:
                lines = await pool.run(tasks.idle_elements, shared, base.key, job, recipe, timeout_seconds=_SECONDS)
                for line in lines:
                    idle(line)
            if out is not None:
                await pool.run(tasks.write, *_arguments(job, identity, evaluation, out), timeout_seconds=_SECONDS)
            evaluations.append(evaluation)
    except WorkerLost as lost:
        raise ModelError(f"{job.source}: {lost}") from lost
    return evaluations


def adopt(claimed: Best, evaluation: Evaluation, objective: Objective, store: Store) -> None:
    """Store a best that came from a file, after `applied` evaluated it here. It must be within the objective's limits
    and costs no more than the default; else nothing is stored.

    Args:
        claimed: the best as the file has it.
        evaluation: of its recipe, by `applied`.
        objective: that it was tuned for.
        store: that `applied` recorded in.

    Raises:
        ValueError: `applied` was not called before.
    """
    default = store.evaluations.get(evaluation.identity_key, str(Recipe()))
    if default is None or default.figures is None or evaluation.figures is None:
        raise ValueError("adopt needs what `applied` recorded")
    wants = objective.on(claimed.identity.target.family)
    beyond = wants.violations(evaluation.figures, default.figures)
    if not beyond and evaluation.figures.cycles <= default.figures.cycles:
        store.bests.record(replace(claimed, default=default, best=evaluation))


def _arguments(job: Job, identity: Identity, evaluation: Evaluation, out: Path) -> tuple[Any, ...]:
    """Of `workers.tasks.write`."""
    what = evaluation.recipe, identity.key, evaluation.program_hash, evaluation.command_stream_sha256
    return job, *what, out.absolute()
