"""No pass or choice makes a program that Vela compiles wrongly in a way that is known to `search_space`."""

from itertools import product

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from npu_programs import Program
from random_graphs import graphs

from search_space.activation_shape import ACTIVATIONS, gives_its_shape
from search_space.choices.conv1d import Conv1d
from search_space.editor import Editor
from search_space.graph import Graph
from search_space.lost_padding import windows_without_padding
from search_space.passes.base import Pass
from search_space.read_tosa import read_tosa
from search_space.recipe import Recipe
from search_space.space import pass_instances
from search_space.write_tosa import write_tosa
from workers.command_stream import decode
from workers.command_stream.operation import Operation
from workers.lowering import lower
from workers.model_source import SourceModel, export, resolve
from workers.target import Target
from workers.vela import compile_tosa

#: A recipe as in README.md.
EXAMPLE = "host-function=table | sink-moves,settle-moves,table,channels-into-weights,plan-moves{interior=true}"

TARGETS = [Target.parse(name) for name in ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256")]
PASSES = pass_instances()


def wrong_activations(graph: Graph) -> list[int]:
    edit = Editor(graph)
    activations = [(i, node) for i, node in graph.operators() if node.op in ACTIVATIONS]
    return [i for i, node in activations if gives_its_shape(edit, node, node.inputs[0], node.type.shape)]


def wrong_windows(graph: Graph) -> list[int]:
    return windows_without_padding(Editor(graph), graph.operator_ids)


@settings(max_examples=400)
@given(
    graph=st.one_of(graphs(most_operators=6, often="activations"), graphs(most_operators=6, often="windows of slices")),
    one=st.sampled_from(PASSES),
)
def test_no_pass_makes_what_vela_compiles_wrongly(graph: Graph, one: Pass) -> None:
    windows = wrong_windows(graph)
    after = one.apply(graph)
    event(f"activations {bool(wrong_activations(graph))}, windows {bool(windows)}, changed {after is not graph}")
    sites = [alone for _, alone in one.at_each(graph)]
    for changed in (after, *sites):
        if changed is not graph:
            assert wrong_activations(changed) == []
            assert len(wrong_windows(changed)) <= len(windows)


@given(
    graph=st.one_of(graphs(often="conv1d"), graphs(often="activations")),
    alternative=st.sampled_from(sorted(Conv1d.alternatives)),
)
def test_no_choice_makes_what_vela_compiles_wrongly(graph: Graph, alternative: str) -> None:
    after = Recipe.parse(f"conv1d={alternative} |").apply(graph)
    if after is not graph:
        assert wrong_activations(after) == []
        assert len(wrong_windows(after)) <= len(wrong_windows(graph))


def shape_is_wrong(operation: Operation) -> bool:
    """Whether it pads by a whole kernel or more behind its IFM: its OFM has not the shape that it computes."""
    kernel, padding = operation.kernel, operation.padding
    if kernel is None or padding is None:
        return False
    return padding.bottom >= kernel.dilated_height or padding.right >= kernel.dilated_width


def moved_activations() -> list[Graph]:
    """TABLE and CLAMP behind operations of other shapes, with movements that passes take away from between them."""
    found = []
    for kind, activation in product(("pointwise", "conv", "depthwise", "strided", "pool"), ("table", "clamp")):
        for rows_first, batch in product((True, False), ((16, 1, 1, 8), (2, 1, 8, 8), (4, 2, 2, 8))):
            p = Program()
            if kind == "pointwise":
                value = p.conv(p.input(16, 1, 1, 8), 8)
            elif kind == "pool":
                value = p.max_pool(p.input(1, 8, 8, 8), 2)
            elif kind == "strided":
                value = p.conv(p.input(1, 8, 8, 8), 8, (3, 3), (2, 2))
            else:
                value = p.conv(p.input(1, 4, 4, 8), 8, (3, 3), depthwise=kind == "depthwise")
            first, last = ((1, 16, 8), batch) if rows_first else (batch, (1, 16, 8))
            value = p.reshape(value, *first)
            value = p.table(value) if activation == "table" else p.clamp(value, -50, 60)
            found.append(p.graph(p.reshape(value, *last)))
    return found


def test_vela_gives_no_operation_the_shape_of_an_activation_after_any_pass() -> None:
    programs = {}
    for graph in moved_activations():
        for one in PASSES:
            changed = one.apply(graph)
            if changed is not graph:
                programs[changed.hash] = changed
    assert len(programs) > 20
    for graph, target in product(programs.values(), TARGETS):
        operations = decode(compile_tosa(write_tosa(graph), target, operators=False).command_stream).operations
        assert not any(map(shape_is_wrong, operations))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.accelerator)
def test_a_convnext_by_the_example_of_the_readme_is_compiled_rightly(target: Target) -> None:
    recipe = Recipe.parse(EXAMPLE)
    source = resolve("convnext")
    assert isinstance(source, SourceModel)
    for tosa in lower(export(source), target, seed=0, setting=recipe.setting).graphs:
        after = Recipe((), recipe.passes).apply(read_tosa(tosa))
        assert wrong_activations(after) == []
        operations = decode(compile_tosa(write_tosa(after), target, operators=False).command_stream).operations
        assert not any(map(shape_is_wrong, operations))
