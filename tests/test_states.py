"""What is known of a space, and what is open."""

from __future__ import annotations

from search_space.recipe import Recipe
from tuner.states import AS_LOWERED, States

FUSE, FOLD = "fuse-transposes", "fold-constants"


def test_the_frontier_is_what_is_named_but_not_evaluated() -> None:
    states = States({})
    assert states.frontier() == [Recipe()]
    states.add(Recipe(), "a", 10, {FUSE: "b", FOLD: "c"})
    assert sorted(map(str, states.frontier())) == [FOLD, FUSE]
    states.add(Recipe.parse(FUSE), "b", 5, {FOLD: "d"})
    assert [str(recipe) for recipe in states.frontier()] == [f"{FUSE},{FOLD}", FOLD], "behind the cheapest first"


def test_a_lost_program_is_not_open_again() -> None:
    states = States({})
    states.add(Recipe(), "a", 10, {FUSE: "b", FOLD: "c"})
    states.add(Recipe.parse(FUSE), "", None, {})
    states.add(Recipe.parse(FOLD), "c", 9, {FUSE: "b"})
    assert states.frontier() == [], "another way to the same program would lose the worker again"
    best = states.best()
    assert best is not None and str(best.recipe) == FOLD


def test_equal_cycles_go_to_the_shorter_recipe() -> None:
    states = States({})
    states.add(Recipe(), "a", 10, {FUSE: "b"})
    states.add(Recipe.parse(FUSE), "b", 10, {FOLD: "c"})
    states.add(Recipe.parse(f"{FUSE},{FOLD}"), "c", 10, {})
    best = states.best()
    assert best is not None and best.recipe == Recipe()


def test_every_combination_of_choices_is_a_root() -> None:
    states = States({"conv1d": ("along-h", "along-w")})
    assert [str(recipe) for recipe in states.frontier()] == ["default", "conv1d=along-h", "conv1d=along-w"]
    (step,) = states.root_steps(Recipe.parse("conv1d=along-w"))
    assert (step.parameter, step.values, step.value) == ("conv1d", (AS_LOWERED, "along-h", "along-w"), "along-w")
