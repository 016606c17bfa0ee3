"""Ablation: what each element of a recipe saves."""

from __future__ import annotations

from collections.abc import Iterable

from results.records.evaluation import Evaluation
from search_space.recipe.recipe import Recipe
from tuner.search.neighbours import one_less


def without_each(text: str, evaluations: Iterable[Evaluation]) -> tuple[Evaluation | None, ...]:
    """For each element of a recipe, in order, the evaluation of the recipe without it.

    Args:
        text: the recipe.
        evaluations: all of its identity.

    Returns:
        Evaluations; None where there is none, or it is not right.
    """
    right = {one.recipe: one for one in evaluations if one.figures is not None and one.has_right_programs}
    return tuple(right.get(str(shorter)) for shorter in one_less(Recipe.parse(text)))
