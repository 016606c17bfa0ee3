"""The same program in another form, and a target that tells programs apart by their content alone."""

from dataclasses import replace

from hypothesis import strategies as st

from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.ir.target_facts import TargetFacts


class CostByHash(TargetFacts):
    """A target on which equal programs cost the same, and different ones unpredictable amounts."""

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        return 1

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        return int(program.hash[:8], 16), int(program.hash[8:16], 16)

    def program_sram_bytes(self, program: Graph) -> int | None:
        return int(program.hash[16:24], 16)

    def sum_scale_bits(self) -> int:
        return 31


@st.composite
def renumbered(draw: st.DrawFn, graph: Graph) -> Graph:
    """The same program with other ids, its nodes in another order.

    Args:
        draw: Hypothesis's draw function.
        graph: the program.

    Returns:
        The strategy.
    """
    ids = draw(st.permutations(range(graph.next_id)))
    nodes = {
        ids[i]: replace(graph[i], inputs=tuple(ids[source] for source in graph[i].inputs))
        for i in draw(st.permutations(graph.order))
    }
    inputs, outputs = (tuple(ids[i] for i in side) for side in (graph.inputs, graph.outputs))
    return Graph(nodes, inputs, outputs, graph.next_id)
