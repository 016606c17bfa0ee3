"""What each element of a recipe brings."""

from __future__ import annotations

from collections.abc import Iterable

from results.records import Evaluation
from search_space.recipe import Recipe
from tuner.neighbours import one_less


def cycles_without(text: str, evaluations: Iterable[Evaluation]) -> tuple[int | None, ...]:
    """For each element of a recipe, in order, the cycles (predicted) of the recipe without it; None where that was not
    evaluated or is not right."""
    cycles = {one.recipe: one.figures.cycles for one in evaluations if one.figures is not None and one.verified}
    return tuple(cycles.get(str(shorter)) for shorter in one_less(Recipe.parse(text)))
