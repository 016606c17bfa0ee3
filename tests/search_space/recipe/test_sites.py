"""Passes at some of their sites: those that a recipe numbers, and those where they pay."""

from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from support.contracts import operators_for
from support.programs.convolutions import Convolution

from search_space.analysis.changed_region import changed_region
from search_space.choices.convolution.pixels.space_to_depth import SpaceToDepth
from search_space.ir.graph import INPUT, MOVE, Graph
from search_space.ir.subgraph import slice_graph
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.passes.recipe_pass import PROFITABLE, PROFITABLE_BY_BOTH
from search_space.recipe.profitable_sites import applied
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
from velatune.testing import assert_same_program
from velatune.testing.random.graphs import graphs
from velatune.testing.reference_values import Arrays, input_sets, outputs
from workers.checking.reference import run_reference

PASSES = tosa_passes()
NARROW = ("INT8", "INT16", "BOOL")
SOME = [one for one in PASSES if one.name in ("sum-as-depthwise", "through-rescale", "fuse-transposes", "cse")]


@given(data=st.data(), one=st.sampled_from(SOME))
@settings(max_examples=60)
def test_a_recipe_says_which_sites_by_their_numbers(data: st.DataObject, one: Pass) -> None:
    graph = data.draw(graphs(often=operators_for(one)))
    sites = one.sites(graph)
    numbers = data.draw(st.sets(st.integers(1, len(sites) + 1), min_size=1))
    text = f"{one}@{'+'.join(map(str, numbers))}"
    expected = [sites[number - 1] for number in sorted(numbers) if number <= len(sites)]
    event(f"{len(expected)} of {len(sites)}")
    assert Recipe.parse(text).apply(graph).hash == one.apply(graph, only=expected).hash


@dataclass(frozen=True)
class Cheaper:
    """A target on which a program costs what its operators of some kind are, by either estimate."""

    stream: str
    vela: str

    def transpose_cycles(self, shape: object, perms: object, dtype: str, by_vela: bool = False) -> int:
        return 1

    def program_cycles(self, program: Graph) -> tuple[int, int]:
        assert problems(program) == []
        kinds = Counter(node.op for _, node in program.operators())
        return kinds[self.stream], kinds[self.vela]

    def program_sram_bytes(self, program: Graph) -> int:
        return 0

    def sum_scale_bits(self) -> int:
        return 31


@given(data=st.data())
@settings(max_examples=40)
def test_where_a_pass_pays_follows_the_estimates(data: st.DataObject) -> None:
    one = next(one for one in PASSES if str(one) == "sum-as-depthwise")
    graph = data.draw(graphs(often=operators_for(one)))
    assume(one.sites(graph))
    profitable, by_both = replace(one, at=PROFITABLE), replace(one, at=PROFITABLE_BY_BOTH)
    everywhere = applied(by_both, graph, Cheaper("REDUCE_SUM", "REDUCE_SUM"))
    assert everywhere is not graph
    assert_same_program(graph, everywhere)
    assert applied(profitable, graph, Cheaper("REDUCE_SUM", "DEPTHWISE_CONV2D")).hash == everywhere.hash
    assert applied(by_both, graph, Cheaper("SIN", "REDUCE_SUM")).hash == everywhere.hash
    for facts in (Cheaper("DEPTHWISE_CONV2D", "REDUCE_SUM"), Cheaper("SIN", "COS")):
        assert applied(profitable, graph, facts) is applied(by_both, graph, facts) is graph
    assert applied(by_both, graph, Cheaper("REDUCE_SUM", "DEPTHWISE_CONV2D")) is graph


@dataclass(frozen=True)
class DearMovements:
    """A target on which a movement is dear, and a convolution with a large stride too."""

    convolution: int
    sram_bytes: int = 0

    def transpose_cycles(self, shape: object, perms: object, dtype: str, by_vela: bool = False) -> int:
        return 10

    def program_cycles(self, program: Graph) -> tuple[int, int]:
        assert problems(program) == []
        cycles = 0
        for _, node in program.operators():
            if node.op == MOVE and not node.layout_map.keeps_order:
                cycles += 10
            elif node.op == "CONV2D":
                cycles += self.convolution + (5 if max(node.attributes["stride"]) > 3 else 0)
        return cycles, cycles

    def program_sram_bytes(self, program: Graph) -> int:
        """More of a program with several convolutions."""
        return self.sram_bytes * (sum(node.op == "CONV2D" for _, node in program.operators()) > 1)

    def sum_scale_bits(self) -> int:
        return 31


def test_what_brings_a_movement_along_is_not_refused_for_how_it_is_written() -> None:
    graph = Convolution("CONV2D", results=(4, 4), channels=2, out=3, kernel=(4, 4), stride=(4, 4)).graph()
    for at in (PROFITABLE, PROFITABLE_BY_BOTH):
        one = SpaceToDepth(at=at)
        after = applied(one, graph, DearMovements(convolution=1))
        assert_same_program(graph, after)
        assert any(node.op == MOVE for _, node in after.operators()), "how to write it is left to others"
        assert applied(one, graph, DearMovements(convolution=6)) is graph
    large = DearMovements(convolution=1, sram_bytes=1)
    assert applied(SpaceToDepth(at=PROFITABLE), graph, large) is not graph
    assert applied(SpaceToDepth(at=PROFITABLE_BY_BOTH), graph, large) is graph, "it would not fit where the program did"


@given(one=st.sampled_from(PASSES), data=st.data())
@settings(max_examples=60)
def test_a_changed_region_holds_the_change_and_ends_in_narrow_values(one: Pass, data: st.DataObject) -> None:
    graph = data.draw(graphs(often=operators_for(one)))
    sites = one.sites(graph)
    assume(sites)
    after = one.apply(graph, only=[data.draw(st.sampled_from(sites))])
    old, new = changed_region(graph, after)
    assert problems(old) == problems(new) == []
    assert graph.nodes.keys() - after.nodes.keys() <= old.nodes.keys()
    assert after.nodes.keys() - graph.nodes.keys() <= new.nodes.keys()
    for part, whole in ((old, graph), (new, after)):
        assert all(part[i].type.dtype in NARROW or whole[i].op == INPUT for i in part.inputs)
    wide = [i for i in old.outputs if i in new.outputs and old[i].type.dtype not in NARROW]
    assert all(not graph.users[i] or i in graph.outputs or set(graph.users[i]) != set(after.users[i]) for i in wide)
    for arrays in input_sets(graph):
        assert computed(old, graph, arrays) == computed(new, after, arrays)


def computed(part: Graph, whole: Graph, arrays: Arrays) -> set[tuple[tuple[int, ...], str, bytes]]:
    """The part's results on the values that its inputs have in the whole program."""
    feeding = slice_graph(whole, (), part.inputs)
    given_to = dict(zip(whole.inputs, arrays, strict=True))
    feeds = run_reference(feeding, [given_to[i] for i in feeding.inputs]) if part.inputs else []
    return set(outputs(part, feeds))
