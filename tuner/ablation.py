"""What each element of a recipe brings."""

from __future__ import annotations

from collections.abc import Iterable

from results.records import Evaluation
from search_space.recipe import Recipe


def cycles_without(text: str, evaluations: Iterable[Evaluation]) -> tuple[int | None, ...]:
    """For each element of a recipe, in order, the cycles (predicted) of the recipe without it; None where that was not
    evaluated or is not right."""
    recipe = Recipe.parse(text)
    cycles = {one.recipe: one.figures.cycles for one in evaluations if one.figures is not None and one.verified}
    choices, passes = recipe.choices, recipe.passes
    shorter = [Recipe(choices[:at] + choices[at + 1 :], passes) for at in range(len(choices))]
    shorter += [Recipe(choices, passes[:at] + passes[at + 1 :]) for at in range(len(passes))]
    return tuple(cycles.get(str(one)) for one in shorter)
