"""Recipes that give layers of a model other widths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.choices.frontend.precision import by_layer, write_by_layer
from search_space.errors import SpaceError
from search_space.recipe.recipe import Recipe

LAYERS = st.lists(st.integers(1, 99), min_size=2, max_size=6, unique=True)


@given(layers=LAYERS, cut=st.integers(0, 6), rest=st.booleans())
def test_layers_are_written_in_one_form_that_says_the_same(layers: list[int], cut: int, rest: bool) -> None:
    int4, int16 = layers[:cut], layers[cut:]
    chosen = {"int4": int4, "int16": [] if rest else int16}
    if not int4:
        chosen.pop("int4")
    elif not int16:
        chosen.pop("int16")
    said = "/".join(f"{name}@{'+'.join(map(str, numbers))}" if numbers else name for name, numbers in chosen.items())
    recipe = Recipe.parse(f"precision={said} | fold-constants")
    assert Recipe.parse(str(recipe)) == recipe
    ((_, alternative),) = recipe.setting
    assert {name: set(numbers) for name, numbers in by_layer(alternative)} == {n: set(of) for n, of in chosen.items()}
    assert write_by_layer(by_layer(alternative)) == alternative
    assert recipe.laws().keys() == {f"precision={alternative}", "fold-constants"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("int4@1/int16@1", "two precisions"),
        ("int4/int16", "two precisions"),
        ("int4@1/int4@2", "twice"),
        ("int4@", "numbers from 1"),
        ("int4@0", "numbers from 1"),
        ("int4@profitable", "numbers from 1"),
        ("int3", "did you mean int4"),
        ("/", "twice"),
        ("", "not a lowering choice"),
    ],
)
def test_what_says_no_precision_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SpaceError, match=complaint):
        Recipe.parse(f"precision={text}")
