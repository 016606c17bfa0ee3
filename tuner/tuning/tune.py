"""Tune one model for one target: lower it, search, store the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from results.records.best import Best
from results.records.compare import phantom_of
from results.records.evaluation import Evaluation
from results.records.figures import Bound, Reuse
from results.records.record import RunStatus
from results.reports.pareto import Pareto
from results.reports.prediction_error import error_for
from search_space.recipe.recipe import Recipe
from tuner.search.search import Search
from tuner.tuning.best.ablation import without_each
from tuner.tuning.best.best_check import BestCheck
from tuner.tuning.best.best_record import BestRecord
from tuner.tuning.best.explanations import execute_fronts, explain, fronts_of
from tuner.tuning.best.withheld import cheapest_withheld
from tuner.tuning.budget import Budget, Turn
from tuner.tuning.context import TuningContext
from tuner.tuning.evaluation.evaluation_client import EvaluationClient
from tuner.tuning.identity import identity_of
from tuner.tuning.objective import Objective
from tuner.tuning.opening import Opened, opened
from tuner.tuning.search_loop import SearchLoop, begin_search
from workers.backend.base import Base
from workers.backend.cost import Row
from workers.backend.job import Job


@dataclass(frozen=True)
class Tuned:
    """What came of a job.

    Attributes:
        base: what the stock toolchain made of the model.
        phantom: the evaluated candidate with the fewest cycles by the compiler's estimate. It is given if its command
            stream costs more than the best's.
        fronts: of cycles against SRAM; where more than exact recipes are allowed, also against quality. They are of all
            candidates that are right.
        bound: what no candidate can go below, if that is known.
        without: see `tuner.tuning.best.ablation`.
        reuse: of this run.
    """

    best: Best
    base: Base
    phantom: Evaluation | None
    fronts: tuple[Pareto, ...]
    bound: Bound | None
    without: tuple[Evaluation | None, ...]
    reuse: Reuse


async def tune(
    job: Job, objective: Objective, budget: Budget, context: TuningContext, turn: Turn | None = None
) -> Tuned:
    """Find and store the best recipe for a job.

    The search resumes where an earlier run of the same job left it.

    Args:
        job: the model and its target.
        objective: what is minimised, and the limits.
        budget: of the search.
        context: of the command.
        turn: stops the search besides the budget; what it stopped for lack of time is not shortened.

    Returns:
        The best as the store holds it, and what the report shows besides.

    Raises:
        ModelError: the model cannot be lowered, compiled or checked at all.
    """
    found = await opened(job, context)
    run = await _begun(job, objective, found, context)
    ending = await run.loop.within(budget, turn)
    if turn is None or ending != "timeout":
        await run.loop.shorten(budget)
    best = await run.check.store_best(ending)
    context.progress.done(job, best)
    await explain(best.recipe, run.client, context.store)
    await execute_fronts(best, run.client, context.store)
    evaluations = context.store.evaluations.of(best.identity.key)
    if withheld := cheapest_withheld(best, evaluations, objective):
        context.progress.warning(job, str(withheld))
    for line in _warnings_on(best, found.base):
        context.progress.warning(job, line)
    return Tuned(
        best,
        found.base,
        phantom_of(best, evaluations),
        tuple(fronts_of(best, evaluations, run.client.objective)),
        await run.client.bound_of(best.recipe),
        without_each(best.recipe, evaluations),
        run.loop.reuse,
    )


def _warnings_on(best: Best, base: Base) -> Sequence[str]:
    if best.best.figures is None:
        return ()
    return base.warnings_on(best.best.figures, [Row(**vars(one)) for one in best.best.operators])


async def replay(job: Job, recipe: Recipe, objective: Objective, status: RunStatus, context: TuningContext) -> Best:
    """Evaluate the default and a recipe that was found elsewhere; a search goes on from it later.

    Args:
        job: the model and its target.
        recipe: what was found elsewhere.
        objective: what is minimised, and the limits.
        status: of the best that is stored then.
        context: of the command.

    Returns:
        The best that the store holds then.

    Raises:
        ModelError: as `tune`.
    """
    run = await _begun(job, objective, await opened(job, context), context)
    await run.loop.try_first(recipe)
    return await run.check.store_best(status)


@dataclass(frozen=True)
class _Run:
    """A search that was begun."""

    client: EvaluationClient
    loop: SearchLoop
    check: BestCheck


async def _begun(job: Job, objective: Objective, found: Opened, context: TuningContext) -> _Run:
    for warning in found.base.warnings:
        context.progress.warning(job, warning)
    context.progress.lowered(job, found.base)
    identity = identity_of(found.base, job.target, objective)
    context.store.identities.register(identity)
    best = BestRecord(identity, job.seed, context.store)
    client = EvaluationClient(job, objective.on(job.target.backend), identity, found, context)
    search = await begin_search(job, found, client, best, context)
    _report(job, search, client, best, found, context)
    parts = job, search, client, best, context
    return _Run(client, SearchLoop(*parts), BestCheck(*parts))


def _report(
    job: Job, search: Search, client: EvaluationClient, best: BestRecord, found: Opened, context: TuningContext
) -> None:
    reached = search.states.best()
    so_far = reached.cycles if reached is not None else None
    error = error_for(client.identity, context.store.measurements.all(client.identity.target))
    context.progress.searching(job, best.default, found.base, so_far, error)
