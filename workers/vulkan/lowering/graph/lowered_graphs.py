"""The graphs of a lowered program's delegates."""

from __future__ import annotations

from workers.vulkan.lowering.graph.vk_graph import Graph, read_graph
from workers.vulkan.lowering.lowered import Lowered


def graphs_of(lowered: Lowered) -> tuple[Graph, ...]:
    """In the order in which the program calls them."""
    return tuple(read_graph(one.graph, one.constants) for one in lowered.delegates)
