"""Every exact pass, choice and sequence of them keeps the outputs bit for bit, on random programs."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import Phase, currently_in_test_context, event, given, note, settings
from hypothesis import strategies as st
from support.random.graphs import graphs
from support.values.program_values import all_values, input_sets, outputs

from search_space.exactness import Exactness
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.ir.printer import print_graph
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import pass_instances

PASSES = pass_instances()
LAYOUT_PASSES = [one for one in PASSES if type(one).__module__.startswith("search_space.passes.")]
CHOICES = [
    (name, alternative)
    for name, kind in registry.choices().items()
    for alternative in kind.alternatives
    if kind.exactness(alternative) == Exactness.EXACT
]

every_pass = pytest.mark.parametrize("one", PASSES, ids=str)


def assert_same_program(before: Graph, after: Graph) -> None:
    """Well-formed, the same interface, and every id that both have denotes the same tensor."""
    if currently_in_test_context():
        note(print_graph(before))
        note(print_graph(after))
    assert problems(after) == []
    assert after.inputs == before.inputs
    assert after.next_id >= before.next_id
    for arrays in input_sets(before):
        assert outputs(after, arrays) == outputs(before, arrays)
        old, new = all_values(before, arrays), all_values(after, arrays)
        for node_id in old.keys() & new.keys():
            if before[node_id].type == after[node_id].type:
                assert old[node_id] == new[node_id], f"value {node_id}"


@every_pass
def test_many_programs_that_a_pass_is_tried_on_have_a_site(one: Pass) -> None:
    changed = []

    @settings(max_examples=40, phases=[Phase.generate], database=None, derandomize=True)
    @given(graph=graphs(often=str(one)))
    def count(graph: Graph) -> None:
        changed.append(one.apply(graph) is not graph)

    count()
    # Which ones are drawn depends on the modules that are loaded (Hypothesis looks for constants in them).
    assert sum(changed) >= 0.15 * len(changed)


@every_pass
@settings(max_examples=20)
@given(data=st.data())
def test_a_pass_keeps_every_value_and_comes_to_rest(one: Pass, data: st.DataObject) -> None:
    graph = data.draw(graphs(often=str(one)))
    after = one.apply(graph)
    event("changed" if after is not graph else "unchanged")
    if after is graph:
        assert one.sites(graph) == ()
        return
    assert after.hash != graph.hash
    assert dict(after.users) == dict(Graph(after.nodes, after.inputs, after.outputs, after.next_id).users)
    assert one.sites(graph) != ()
    assert_same_program(graph, after)
    assert one.apply(after) is after
    assert one.sites(after) == ()


@every_pass
@settings(max_examples=30)
@given(data=st.data())
def test_a_pass_comes_to_an_end(one: Pass, data: st.DataObject) -> None:
    """More programs than can be run, small ones full of sizes of 1: two maps may push each other around for ever."""
    graph = data.draw(st.one_of(graphs(most_operators=6), graphs(most_operators=6, often=str(one))))
    after = one.apply(graph)
    assert one.apply(after) is after


@given(one=st.sampled_from(PASSES))
def test_one_element_is_not_pushed_around_for_ever(one: Pass) -> None:
    """Both operands of the sum are moved inputs of one element, and each is also read by others."""
    three, flat = TensorType((1, 1, 1), "INT32"), TensorType((1,), "INT32")
    zero = constant(np.zeros(1, np.int32))
    up = move(0, flat, (Step("reshape", (1, 1, 1)),))
    nodes = {
        0: Node(INPUT, (), flat), 1: up, 2: zero, 3: zero, 4: Node("NEGATE", (1, 2, 3), three), 5: up,
        6: Node("ADD", (4, 5), three), 7: move(6, three, (Step("reshape", (1,)),)),
        8: move(4, three, (Step("reshape", (1,)),)),
    }  # fmt: skip
    graph = Graph(nodes, (0,), (7, 8, 0, 1), 9)
    assert_same_program(graph, one.apply(graph))


@every_pass
@settings(max_examples=12)
@given(data=st.data())
def test_sites_are_where_it_applies(one: Pass, data: st.DataObject) -> None:
    graph = data.draw(graphs(often=str(one)))
    sites = one.sites(graph)
    computed = [i for i, _ in graph.operators()]
    assert [i for i in computed if i in sites] == list(sites)
    for node_id in computed:
        assert (one.apply(graph, only={node_id}) is not graph) == (node_id in sites)
    for node_id, after in one.at_each(graph, but=sites[1:2]):
        assert after.hash == one.apply(graph, only={node_id}).hash
        assert node_id not in sites[1:2]
    if sites:
        only = set(data.draw(st.lists(st.sampled_from(sites), min_size=1)))
        assert_same_program(graph, one.apply(graph, only=only))


@dataclass(frozen=True)
class Whims:
    """A target whose costs follow no reason, and which refuses some transposes."""

    seed: int

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        cycles = Random(repr((self.seed, shape, perms, dtype, by_vela))).randrange(100)
        return None if cycles > 80 else cycles


@settings(max_examples=100)
@given(graph=graphs(), seed=st.integers(0, 100))
def test_moves_planned_for_any_target_keep_every_value(graph: Graph, seed: int) -> None:
    one, facts = registry.passes()["plan-moves"](), Whims(seed)
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
    graph = data.draw(graphs(often=name))
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
    graph = data.draw(graphs(often=str(data.draw(st.sampled_from(passes)))))
    recipe = Recipe(tuple(choices), tuple(passes))
    after = recipe.apply(graph)
    assert_same_program(graph, after)
    assert Recipe.parse(str(recipe)).apply(graph).hash == after.hash


@settings(max_examples=30)
@given(data=st.data(), order=st.permutations(LAYOUT_PASSES))
def test_repeating_all_layout_passes_comes_to_rest(data: st.DataObject, order: list[Pass]) -> None:
    """Not all orders end: passes that move maps up and down undo each other, so only one direction is taken."""
    graph = data.draw(graphs(often=str(order[0])))
    there_and_back = ("merge-transposed-axes",)  # sink-moves moves what it puts before an operator
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
