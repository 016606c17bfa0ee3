"""No pass or choice makes a program that Vela compiles wrongly in a way that is known to `search_space`."""

from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.shapes_for_vela import ACTIVATIONS as ACTIVATED
from support.random.shapes_for_vela import WINDOWS_OF_SLICES

from search_space.building.lost_padding import windows_without_padding
from search_space.choices.convolution.pixels.conv1d import Conv1d
from search_space.ir.editor import Editor
from search_space.ir.graph import Graph
from search_space.layout.activation_shape import ACTIVATIONS, imposes_shape
from search_space.passes.base import Pass
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
from velatune.testing.random.graphs import graphs
from velatune.testing.random.layers import LAYERS_1D

PASSES = tosa_passes()


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
