"""What passes make of programs with movements around activations is compiled rightly."""

from itertools import product

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.shapes_for_vela import ACTIVATIONS
from support.values.executed import inputs_for, verdict
from torch import nn

from benchmarks.predictions.vela_versions.compile_with import VERSIONS, VelaCrashed, compile_with
from search_space.ir.graph import Graph
from search_space.passes.base import Pass
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from velatune.testing.random.graphs import graphs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused
from workers.ethos_u.vela.facts import VelaFacts
from workers.models.model_source import export
from workers.models.suite.build import random_model
from workers.models.suite.vision.convnext import Block

ACCELERATORS = ("ethos-u55-128", "ethos-u85-256")
PASSES = tosa_passes()

#: As in README.md, with all sites.
EXAMPLE = (
    "host-function=table | sink-transposes,minimise-transposed-bytes,table,fold-channel-permutation,"
    "select-transposes{interior=true},widen-conv@1+3"
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, VelaFacts]:
    """By accelerator, as a search has them: some passes ask what a target can do."""
    memo, versions = Memo(tmp_path_factory.mktemp("memo")), toolchain_versions()
    return {one: VelaFacts(Target.parse(one), memo, versions) for one in ACCELERATORS}


def is_right(graph: Graph, accelerator: str) -> bool | None:
    """Whether the stream computes what the program does; None if Vela makes none of it."""
    try:
        program = compile_with(VERSIONS[0], write_tosa(graph), Target.parse(accelerator)).npu_program
        return verdict(graph, program, inputs_for(graph)).equal
    except (VelaRefused, VelaCrashed):
        return None
    except Fault:
        return False


def moved_activations() -> list[Graph]:
    """TABLE and CLAMP behind operations of other shapes, with movements that passes take away from between them."""
    found = []
    for kind, activation in product(("pointwise", "conv", "depthwise", "strided", "pool"), ("table", "clamp")):
        for rows_first, batch in product((True, False), ((16, 1, 1, 8), (2, 1, 8, 8))):
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


def test_every_pass_around_activations() -> None:
    programs = {}
    for graph in moved_activations():
        for one in PASSES:
            changed = one.apply(graph)
            if changed is not graph:
                programs[changed.hash] = changed
    assert len(programs) > 20
    for graph, accelerator in product(programs.values(), ACCELERATORS):
        assert is_right(graph, accelerator)


@settings(max_examples=100)
@given(
    graph=graphs(most_operators=3, often=ACTIVATIONS),
    passes=st.lists(st.sampled_from(PASSES), min_size=2, max_size=4),
    accelerator=st.sampled_from(ACCELERATORS),
)
def test_passes_in_any_order_around_activations(
    facts: dict[str, VelaFacts], graph: Graph, passes: list[Pass], accelerator: str
) -> None:
    after = Recipe((), tuple(passes)).apply(graph, facts[accelerator])
    if after is not graph and is_right(graph, accelerator):
        event("changed")
        assert is_right(after, accelerator) is not False


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_a_convnext_block_by_the_example_of_the_readme(accelerator: str) -> None:
    recipe = Recipe.parse(EXAMPLE)
    block = random_model("block", lambda: nn.Sequential(nn.Conv2d(3, 16, 4, stride=4), Block(16)), (1, 3, 32, 32), 9)
    lowered = lower(export(block), Target.parse(accelerator), seed=0, setting=recipe.setting)
    for tosa in lowered.graphs:
        graph = Recipe((), recipe.passes).apply(read_tosa(tosa))
        assert is_right(graph, accelerator)
