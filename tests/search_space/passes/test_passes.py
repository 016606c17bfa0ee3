"""Exact choices, and exact passes in any order, keep the outputs bit for bit, on random programs."""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.contracts import CONTRACTS, operators_for

from search_space.choices.base import Choice
from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.passes.base import Pass
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
from velatune.testing import assert_same_program, graphs
from velatune.testing.random.layers import LAYERS_1D

PASSES = tosa_passes()
LAYOUT_PASSES = [one for one in PASSES if type(one).__module__.startswith("search_space.passes.")]
CHOICES = [
    (name, alternative)
    for name, kind in registry.choices().items()
    for alternative in kind.alternatives
    if issubclass(kind, Choice) and kind.exactness(alternative) == Exactness.EXACT
]


def test_every_exact_pass_has_a_contract() -> None:
    """What a single pass has to keep to is tested beside it, in the file `test_NAME.py` below `tests/search_space`."""
    assert {str(one) for one in PASSES} <= CONTRACTS.keys()


@dataclass(frozen=True)
class Whims:
    """A target whose costs follow no reason, and which refuses some transposes."""

    seed: int

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        cycles = Random(repr((self.seed, shape, perms, dtype, by_vela))).randrange(100)
        return None if cycles > 80 else cycles

    def sum_scale_bits(self) -> int:
        return 31


@settings(max_examples=100)
@given(graph=graphs(), seed=st.integers(0, 100))
def test_moves_planned_for_any_target_keep_every_value(graph: Graph, seed: int) -> None:
    one, facts = registry.passes()["select-transposes"](), Whims(seed)
    after = one.apply(graph, facts=facts)
    event("changed" if after is not graph else "unchanged")
    assert (one.sites(graph, facts) != ()) == (after is not graph)
    if after is not graph:
        assert_same_program(graph, after)
        assert one.apply(after, facts=facts) is after


@pytest.mark.parametrize(("name", "alternative"), CHOICES)
@settings(max_examples=60)
@given(data=st.data())
def test_a_choice_keeps_every_value(name: str, alternative: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(often=LAYERS_1D if name == "conv1d" else None))
    choice = registry.choices()[name]()
    after = choice.apply(graph, alternative)
    event("changed" if after is not graph else "unchanged")
    if after is not graph:
        assert after.hash != graph.hash
        assert_same_program(graph, after)
        assert choice.apply(after, alternative) is after


@settings(max_examples=150)
@given(
    data=st.data(),
    choices=st.lists(st.sampled_from(CHOICES), max_size=1),
    passes=st.lists(st.sampled_from(PASSES), min_size=2, max_size=8),
)
def test_recipes_in_any_order_keep_the_outputs(
    data: st.DataObject, choices: list[tuple[str, str]], passes: list[Pass]
) -> None:
    graph = data.draw(graphs(often=operators_for(data.draw(st.sampled_from(passes)))))
    recipe = Recipe(tuple(choices), tuple(passes))
    after = recipe.apply(graph)
    assert_same_program(graph, after)
    assert Recipe.parse(str(recipe)).apply(graph).hash == after.hash


@settings(max_examples=30)
@given(data=st.data(), order=st.permutations(LAYOUT_PASSES))
def test_repeating_all_layout_passes_comes_to_rest(data: st.DataObject, order: list[Pass]) -> None:
    """Not all orders end: passes that move maps up and down undo each other, so only one direction is taken."""
    graph = data.draw(graphs(often=operators_for(order[0])))
    there_and_back = ("merge-transposed-axes",)  # sink-transposes moves what it puts before an operator
    one_way = [one for one in order if not getattr(one, "up", False) and one.name not in there_and_back]
    seen = graph
    for _ in range(30):
        before = seen
        for one in one_way:
            seen = one.apply(seen)
        if seen.hash == before.hash:
            break
    assert seen.hash == before.hash
    assert_same_program(graph, seen)
