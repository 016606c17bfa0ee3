"""No pass or choice makes a program that Vela compiles wrongly in a way that is known to `search_space`."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.attention import PRODUCTS
from support.random.shapes_for_vela import ACTIVATIONS as ACTIVATED
from support.random.shapes_for_vela import WINDOWS_OF_SLICES

from search_space.building.miscompiled.lost_padding import windows_without_padding
from search_space.building.miscompiled.wide_scales import SUM_SCALE_BITS_U85, rescales_of_wide_sums
from search_space.choices.convolution.pixels.conv1d import Conv1d
from search_space.choices.matmul.matmul_as_mul_reduce import MatmulAsMulReduce
from search_space.choices.matmul.matmul_by_columns import MatmulByColumns
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.ir.target_facts import AnyTarget
from search_space.layout.activation_shape import ACTIVATIONS, imposes_shape
from search_space.passes.base import Pass
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
from velatune.testing.program import Program
from velatune.testing.random.graphs import graphs
from velatune.testing.random.layers import LAYERS_1D

PASSES = tosa_passes()


class U85(AnyTarget):
    """A target whose convolutions scale INT48 sums as Ethos-U85's do."""

    def sum_scale_bits(self) -> int:
        return SUM_SCALE_BITS_U85


def wrong_activations(graph: Graph) -> list[int]:
    edit = Editor(graph)
    activations = [(i, node) for i, node in graph.operators() if node.op in ACTIVATIONS]
    return [i for i, node in activations if imposes_shape(edit, node, node.inputs[0], node.type.shape)]


def wrong_windows(graph: Graph) -> list[int]:
    return windows_without_padding(Editor(graph), graph.operator_ids)


@settings(max_examples=400)
@given(
    graph=st.one_of(
        graphs(most_operators=6, often=ACTIVATED),
        graphs(most_operators=6, often=WINDOWS_OF_SLICES),
    ),
    one=st.sampled_from(PASSES),
)
def test_no_pass_makes_what_vela_compiles_wrongly(graph: Graph, one: Pass) -> None:
    windows = wrong_windows(graph)
    after = one.apply(graph)
    event(f"activations {bool(wrong_activations(graph))}, windows {bool(windows)}, changed {after is not graph}")
    sites = [alone for _, alone in one.iter_rewrites(graph)]
    for changed in (after, *sites):
        if changed is not graph:
            assert wrong_activations(changed) == []
            assert len(wrong_windows(changed)) <= len(windows)


@given(
    graph=st.one_of(graphs(often=LAYERS_1D), graphs(often=ACTIVATED)),
    alternative=st.sampled_from(sorted(Conv1d.alternatives)),
)
def test_no_choice_makes_what_vela_compiles_wrongly(graph: Graph, alternative: str) -> None:
    after = Recipe.parse(f"conv1d={alternative} |").apply(graph)
    if after is not graph:
        assert wrong_activations(after) == []
        assert len(wrong_windows(after)) <= len(wrong_windows(graph))


def attention_product(heads: int, rows: int) -> Graph:
    p = Program()
    return p.graph(p.matmul(p.input(heads, rows, 3), p.input(heads, 3, 4)))


@pytest.mark.parametrize(
    ("one", "heads", "rows"),
    [
        (MatmulByColumns(fused=True), 1, 5),
        (MatmulByColumns(fused=True), 2, 5),
        (MatmulAsMulReduce(), 1, 16),
        (MatmulAsMulReduce(low_memory=True), 1, 1),
    ],
    ids=str,
)
def test_products_whose_sums_would_be_scaled_wrongly_stay(one: Pass, heads: int, rows: int) -> None:
    graph = attention_product(heads, rows)
    assert one.apply(graph, facts=U85()) is graph
    assert one.sites(graph, U85()) == ()
    elsewhere = one.apply(graph)
    assert rescales_of_wide_sums(Editor(elsewhere), elsewhere.operator_ids) != []


@pytest.mark.parametrize(
    ("one", "heads", "rows"),
    [
        (MatmulByColumns(), 1, 5),
        (MatmulAsMulReduce(), 1, 17),
        (MatmulAsMulReduce(), 2, 5),
        (MatmulAsMulReduce(low_memory=True), 1, 2),
    ],
    ids=str,
)
def test_products_whose_sums_are_joined_first_are_rewritten(one: Pass, heads: int, rows: int) -> None:
    graph = attention_product(heads, rows)
    after = one.apply(graph, facts=U85())
    assert after.hash == one.apply(graph).hash != graph.hash
    assert rescales_of_wide_sums(Editor(after), after.operator_ids) == []


@settings(max_examples=60)
@given(graph=graphs(most_operators=5, often=PRODUCTS), passes=st.lists(st.sampled_from(PASSES), min_size=1, max_size=3))
def test_no_pass_makes_sums_that_are_scaled_wrongly(graph: Graph, passes: list[Pass]) -> None:
    before = rescales_of_wide_sums(Editor(graph), graph.operator_ids)
    passes = [MatmulAsMulReduce(), *passes]
    after = Recipe((), tuple(passes)).apply(graph, U85())
    event(f"changed {after is not graph}")
    assert len(rescales_of_wide_sums(Editor(after), after.operator_ids)) <= len(before)
