"""What is found out after a search, for reports: what each element brings, and the fronts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.reports.pareto import Pareto, pareto_of
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.search.neighbours import one_less
from tuner.tuning.evaluation.evaluation_client import EvaluationClient
from tuner.tuning.objective import FamilyObjective


async def explain(recipe: str, client: EvaluationClient, store: Store) -> None:
    """Record what each operator costs without each element of a recipe, as far as that was evaluated.

    Args:
        recipe: the best one.
        client: evaluates.
        store: holds the evaluations without each element; those are replaced.
    """
    for shorter in one_less(Recipe.parse(recipe)):
        known = store.evaluations.get(client.identity.key, str(shorter))
        if known is not None and known.has_right_programs and not known.operators:
            store.evaluations.record(await client.evaluate(shorter))


def fronts_of(best: Best, evaluations: Sequence[Evaluation], objective: FamilyObjective) -> Iterator[Pareto]:
    """Fronts of cycles against SRAM, and against quality where more than exact recipes are allowed. They are of all
    candidates that are right.

    Args:
        best: of the identity.
        evaluations: all of its identity.
        objective: says what may be on a front.

    Yields:
        One or two fronts.
    """
    yield pareto_of(best, evaluations, objective.front_limits)
    if objective.allowance:
        yield pareto_of(best, evaluations, objective.front_limits, "quality")


async def execute_fronts(best: Best, client: EvaluationClient, store: Store) -> None:
    """Execute the command streams of all candidates that are on a front if they are right. Go on until no other one
    comes to be on a front.

    Args:
        best: of the identity.
        client: evaluates.
        store: the evaluations are recorded in it.
    """
    tried: set[str] = set()
    while True:
        known = store.evaluations.of(client.identity.key)
        unexecuted = {one.recipe for one in known if one.is_unexecuted and one.recipe not in tried}
        if_right = [_as_if_executed(one) if one.is_unexecuted else one for one in known]
        shown = {point.recipe for front in fronts_of(best, if_right, client.objective) for point in front.front}
        if not unexecuted & shown:
            return
        tried |= unexecuted & shown
        for recipe in sorted(unexecuted & shown):
            store.evaluations.record(await client.evaluate(Recipe.parse(recipe)))


def _as_if_executed(one: Evaluation) -> Evaluation:
    """The record as it will be if its command streams turn out right."""
    return replace(one, verified=one.has_right_programs, check={**one.check, "executed": True})
