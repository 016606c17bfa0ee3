"""Equal graphs are one to the search: passes make equal graphs of them, whatever ids and past they have."""

from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.graphs import graphs
from test_passes import PASSES

from search_space.ir.graph import Graph
from search_space.passes.base import SITES_BY_PRICE
from search_space.recipe.profitable_sites import applied


class ByHash:
    """A target on which equal programs cost the same, and others nothing that one could foresee."""

    def transpose_cycles(self, shape: object, perms: object, dtype: str, by_vela: bool = False) -> int:
        return 1

    def program_cycles(self, program: Graph) -> tuple[int, int]:
        return int(program.hash[:8], 16), int(program.hash[8:16], 16)

    def program_sram_bytes(self, program: Graph) -> int:
        return int(program.hash[16:24], 16)


@st.composite
def renumbered(draw: st.DrawFn, graph: Graph) -> Graph:
    """The same program under other ids, its nodes in another order."""
    ids = draw(st.permutations(range(graph.next_id)))
    nodes = {
        ids[i]: replace(graph[i], inputs=tuple(ids[source] for source in graph[i].inputs))
        for i in draw(st.permutations(graph.order))
    }
    ends = (tuple(ids[i] for i in side) for side in (graph.inputs, graph.outputs))
    return Graph(nodes, *ends, graph.next_id)


@given(data=st.data(), one=st.sampled_from(PASSES), at=st.sampled_from(["", "1", *SITES_BY_PRICE]))
@settings(max_examples=150)
def test_equal_graphs_have_equal_successors(data: st.DataObject, one: object, at: str) -> None:
    graph = data.draw(graphs(often=str(one)))
    other = data.draw(renumbered(graph))
    assert other.hash == graph.hash
    there = replace(one, at=at)
    after = applied(there, graph, ByHash())
    event("changed" if after is not graph else "no site")
    assert applied(there, other, ByHash()).hash == after.hash
