"""Recipes that differ from one in a single decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from search_space.passes.recipe_pass import SITES_BY_PRICE, RecipePass
from search_space.recipe.recipe import Recipe

#: Sites of each pass of a recipe that is for some of them, by its place: their numbers, and how many there are.
Sites = Mapping[int, tuple[tuple[int, ...], int]]


def by_sites(recipe: Recipe, sites: Sites) -> Iterator[Recipe]:
    """A pass that applies to some of its sites applies to one more or one less. Or it applies at the profitable sites,
    by either rule, where its sites have prices.

    Args:
        recipe: to change.
        sites: of its passes: by place in the recipe, the numbers chosen and how many there are.

    Yields:
        Recipes that differ in one pass's sites.
    """
    for place, (numbers, count) in sites.items():
        one = recipe.passes[place]
        for number in range(1, count + 1):
            chosen = sorted(set(numbers) ^ {number})
            if chosen:
                yield _with(recipe, place, replace(one, at="+".join(map(str, chosen))))
        for at in SITES_BY_PRICE if one.priced_sites else ():
            if at != one.at:
                yield _with(recipe, place, replace(one, at=at))


def one_less(recipe: Recipe) -> tuple[Recipe, ...]:
    """For each element of the recipe, in order, the recipe without it."""
    choices, passes = recipe.choices, recipe.passes
    without_choice = (Recipe(choices[:at] + choices[at + 1 :], passes) for at in range(len(choices)))
    without_pass = (Recipe(choices, passes[:at] + passes[at + 1 :]) for at in range(len(passes)))
    return (*without_choice, *without_pass)


def by_less(recipe: Recipe) -> Iterator[Recipe]:
    """One element less: passes first, the last one before the others."""
    each, choices = one_less(recipe), len(recipe.choices)
    yield from reversed(each[choices:])
    yield from each[:choices]


def by_order(recipe: Recipe) -> Iterator[Recipe]:
    """Two passes that follow each other, exchanged."""
    for place, (one, other) in enumerate(zip(recipe.passes, recipe.passes[1:], strict=False)):
        if one != other:
            yield Recipe(recipe.choices, (*recipe.passes[:place], other, one, *recipe.passes[place + 2 :]))


def by_options(recipe: Recipe) -> Iterator[Recipe]:
    """A pass with one of its yes-or-no options the other way."""
    for place, one in enumerate(recipe.passes):
        for option in one.options():
            value = getattr(one, option.name)
            if isinstance(value, bool):
                changed: dict[str, Any] = {option.name: not value}
                yield _with(recipe, place, replace(one, **changed))


def by_more(recipe: Recipe, passes: Sequence[RecipePass]) -> Iterator[Recipe]:
    """One more pass, anywhere but beside itself.

    Args:
        recipe: to change.
        passes: that may be added.

    Yields:
        Recipes of one pass more.
    """
    for place in range(len(recipe.passes) + 1):
        beside = recipe.passes[max(0, place - 1) : place + 1]
        for one in passes:
            if one not in beside:
                yield Recipe(recipe.choices, (*recipe.passes[:place], one, *recipe.passes[place:]))


def _with(recipe: Recipe, place: int, one: RecipePass) -> Recipe:
    return Recipe(recipe.choices, (*recipe.passes[:place], one, *recipe.passes[place + 1 :]))
