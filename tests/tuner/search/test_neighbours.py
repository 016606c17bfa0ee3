"""Recipes that differ from one in a single decision."""

from collections.abc import Iterable

from search_space.recipe.recipe import Recipe
from tuner.search.neighbours import by_less, by_more, by_options, by_order, by_sites

RECIPE = Recipe.parse("conv1d=along-h | fold-constants,sum-as-depthwise@2,fold-constants")


def texts(recipes: Iterable[Recipe]) -> set[str]:
    return {str(recipe).removeprefix("conv1d=along-h | ") for recipe in recipes}


def test_one_site_more_or_less_and_where_it_pays() -> None:
    assert texts(by_sites(RECIPE, {1: ((2,), 3)})) == {
        f"fold-constants,sum-as-depthwise@{at},fold-constants"
        for at in ("1+2", "2+3", "profitable", "profitable-by-both")
    }


def test_sites_have_prices_in_tosa_programs_alone() -> None:
    recipe = Recipe.parse("pad-apart@2")
    assert texts(by_sites(recipe, {0: ((2,), 2)})) == {"pad-apart@1+2"}


def test_one_element_less() -> None:
    assert texts(by_less(RECIPE)) == {
        "sum-as-depthwise@2,fold-constants", "fold-constants,fold-constants", "fold-constants,sum-as-depthwise@2",
        "fold-constants,sum-as-depthwise@2,fold-constants",
    }  # fmt: skip
    assert Recipe((), RECIPE.passes) in set(by_less(RECIPE))


def test_neighbours_in_another_order() -> None:
    assert texts(by_order(RECIPE)) == {
        "sum-as-depthwise@2,fold-constants,fold-constants", "fold-constants,fold-constants,sum-as-depthwise@2",
    }  # fmt: skip


def test_options_the_other_way() -> None:
    assert texts(by_options(RECIPE)) == {"fold-constants,sum-as-depthwise{both_axes=true}@2,fold-constants"}


def test_one_pass_more_is_not_put_beside_itself() -> None:
    passes = Recipe.parse("fold-constants,unbatch").passes
    longer = texts(by_more(RECIPE, passes))
    assert longer == {
        "unbatch,fold-constants,sum-as-depthwise@2,fold-constants",
        "fold-constants,unbatch,sum-as-depthwise@2,fold-constants",
        "fold-constants,sum-as-depthwise@2,unbatch,fold-constants",
        "fold-constants,sum-as-depthwise@2,fold-constants,unbatch",
    }
