"""The one line that a recipe is: parses, prints, has one form, and says what it does not know."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import SITES_BY_PRICE
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes

CHOICES = {name: sorted(kind.alternatives) for name, kind in registry.choices().items()}


@dataclass(frozen=True)
class WithOptions(Pass):
    """A pass as third parties may write it, with an option of every kind."""

    name: ClassVar[str] = "with-options"
    law: ClassVar[str] = "it does nothing"

    much: bool = True
    depth: int = 3
    mode: str = "plain"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return False


@pytest.fixture(autouse=True, scope="module")
def registered() -> object:
    known = dict(registry.passes())
    patch = pytest.MonkeyPatch()
    patch.setattr(registry, "passes", lambda: {**known, WithOptions.name: WithOptions})
    yield
    patch.undo()


@st.composite
def choice_parts(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    names = draw(st.lists(st.sampled_from(sorted(CHOICES)), unique=True)) if CHOICES else []
    return tuple(sorted((name, draw(st.sampled_from(CHOICES[name]))) for name in names))


words = st.text("abcXYZ019_.+-", min_size=1, max_size=8)
passes = st.one_of(
    st.sampled_from(tosa_passes()), st.builds(WithOptions, st.booleans(), st.integers(-(10**9), 10**9), words)
)
sites = st.one_of(
    st.sampled_from(["", "", *SITES_BY_PRICE]),
    st.sets(st.integers(1, 999_999), min_size=1, max_size=4).map(lambda numbers: "+".join(map(str, sorted(numbers)))),
)
placed = st.builds(lambda one, at: replace(one, at=at), passes, sites)
recipes = st.builds(Recipe, choice_parts(), st.lists(placed, max_size=6).map(tuple))


def value_text(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(recipes)
def test_parse_undoes_print(recipe: Recipe) -> None:
    text = str(recipe)
    assert Recipe.parse(text) == recipe
    assert "\n" not in text and text == text.strip()


@given(recipe=recipes, data=st.data())
def test_every_way_to_write_it_has_one_canonical_form(recipe: Recipe, data: st.DataObject) -> None:
    """Spaces, the order of choices and sites, and options that are given at their default do not count."""

    def space() -> str:
        return data.draw(st.sampled_from(["", " ", "\t", "  ", "\n"]))

    def written(one: Pass) -> str:
        options = [
            f"{space()}{f.name}{space()}={space()}{value_text(getattr(one, f.name))}"
            for f in data.draw(st.permutations(one.options()))
            if getattr(one, f.name) != f.default or data.draw(st.booleans())
        ]
        braces = data.draw(st.booleans()) or options
        in_braces = f"{{{','.join(options)}{space()}}}{space()}" if braces else ""
        return f"{space()}{one.name}{space()}{in_braces}{sites_of(one)}"

    def sites_of(one: Pass) -> str:
        numbers = [number for number in one.at.split("+") if number]
        again = data.draw(st.lists(st.sampled_from(numbers), max_size=2)) if one.at not in ("", *SITES_BY_PRICE) else []
        parts = [f"{space()}{number}{space()}" for number in data.draw(st.permutations([*numbers, *again]))]
        return f"@{'+'.join(parts)}" if parts else ""

    choices = data.draw(st.permutations(recipe.choices))
    left = ",".join(f"{space()}{name}{space()}={space()}{alternative}{space()}" for name, alternative in choices)
    right = ",".join(map(written, recipe.passes))
    if left or right:
        parsed = Recipe.parse(f"{left}|{right}")
        assert parsed == recipe
        assert str(parsed) == str(recipe)
        for side, other in ((left, right), (right, left)):
            if not other:
                assert Recipe.parse(side) == recipe


def test_the_empty_recipe_is_default() -> None:
    assert str(Recipe()) == "default"
    assert Recipe.parse(" default ") == Recipe() == Recipe.parse("|")
    assert Recipe().elements == ()


def test_forms() -> None:
    recipe = Recipe.parse("conv1d=along-h|through-elementwise{up=true},fold-constants,through-elementwise{up=false}")
    assert str(recipe) == "conv1d=along-h | through-elementwise{up=true},fold-constants,through-elementwise"
    assert recipe.elements == (
        "conv1d=along-h", "through-elementwise{up=true}", "fold-constants", "through-elementwise",
    )  # fmt: skip
    assert recipe.laws().keys() == set(recipe.elements)
    assert all(law and "\n" not in law for law in recipe.laws().values())
    assert str(Recipe.parse("conv1d=along-h")) == "conv1d=along-h"
    assert str(Recipe.parse("fold-constants")) == "fold-constants"
    assert str(Recipe.parse("with-options{depth=3,much=false}")) == "with-options{much=false}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fuse-transpose", "unknown pass 'fuse-transpose'; did you mean fuse-transposes"),
        ("fold-constant,fuse-transposes", "did you mean fold-constants"),
        ("conv1=along-h", "unknown lowering choice 'conv1'; did you mean conv1d"),
        ("conv1d=along-x", "unknown alternative of conv1d 'along-x'; did you mean along-"),
        ("through-elementwise{upp=true}", "unknown option of through-elementwise 'upp'; did you mean up"),
        ("zzzzzzzz", "unknown pass 'zzzzzzzz'; did you mean "),
        ("fold-constants{up=true}", "fold-constants has no options"),
        ("through-elementwise{up=maybe}", "through-elementwise{up} takes true or false, not 'maybe'"),
        ("through-elementwise{up}", "takes true or false, not ''"),
        ("with-options{depth=deep}", "with-options{depth} takes int, not 'deep'"),
        ("with-options{mode=a b}", "with-options{mode} takes str, not 'a b'"),
        ("with-options{depth=1,depth=2}", "with-options is given its option depth twice"),
        ("with-options{at=1}", "unknown option of with-options 'at'"),
        (
            "fold-constants@",
            "'fold-constants@': sites are numbers from 1 with + between them, profitable or profitable-by-both",
        ),
        ("fold-constants@0", "sites are numbers from 1"),
        ("fold-constants@1+", "sites are numbers from 1"),
        ("fold-constants@payin", "sites are numbers from 1"),
        ("pad-apart@profitable", "sites of pad-apart are not found by their price; write numbers"),
        ("fold-constants@1@2", "'fold-constants@1@2' is not a pass"),
        ("with-options@1{depth=2}", "'with-options@1{depth=2}' is not a pass"),
        ("", "empty recipe"),
        ("   ", "empty recipe"),
        (",", "empty element"),
        ("fold-constants,", "empty element"),
        ("fold-constants,,fuse-transposes", "empty element"),
        ("conv1d=along-h,conv1d=along-w", "takes a choice twice"),
        ("conv1d=along-h,conv1d=along-h", "takes a choice twice"),
        ("fold-constants | fuse-transposes", "'fold-constants' is not a lowering choice"),
        ("| conv1d=along-h", "'conv1d=along-h' is not a pass"),
        ("conv1d= | fold-constants", "not a lowering choice"),
        ("conv1d=along-h | fold-constants | fuse-transposes", "is not a pass"),
        ("through-elementwise{up=true", "'through-elementwise{up=true' is not a"),
        ("through-elementwise}up=true{", "is not a"),
        ("through-elementwise{{up=true}}", "is not a pass"),
        ("Fold-Constants", "'Fold-Constants' is not a pass"),
        ("default,fold-constants", "unknown pass 'default'"),
        ("default | fold-constants", "'default' is not a lowering choice"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(SpaceError) as refusal:
        Recipe.parse(text)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


_PIECES = [
    "fold-constants",
    "through-elementwise",
    "with-options",
    "conv1d",
    "along-h",
    "=",
    ",",
    "|",
    "{",
    "}",
    " ",
    "up",
    "true",
    "default",
    "-1",
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)))
@example("with-options{depth=--1}")
@example("with-options{depth=٣}")
def test_any_text_is_a_recipe_or_refused(text: str) -> None:
    try:
        recipe = Recipe.parse(text)
    except SpaceError as error:
        assert str(error)
        return
    assert Recipe.parse(str(recipe)) == recipe


def test_instances_cover_every_switch_once() -> None:
    instances = tosa_passes(max(Exactness))
    assert len(set(instances)) == len(instances)
    for kind in registry.passes().values():
        if kind is WithOptions or not issubclass(kind, Pass):
            continue
        switches = sum(isinstance(f.default, bool) for f in kind.options())
        assert sum(isinstance(one, kind) for one in instances) == 2**switches
    assert list(instances) == sorted(instances, key=str)


def test_passes_and_choices_say_what_they_are() -> None:
    for name, kind in registry.passes().items():
        assert name == kind.name
        assert kind.law and "\n" not in kind.law
        kind()
    for name, choice in registry.choices().items():
        assert name == choice.name
        assert choice.alternatives
        assert all(reason and "\n" not in reason for reason in choice.alternatives.values())
