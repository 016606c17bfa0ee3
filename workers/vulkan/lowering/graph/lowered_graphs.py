"""The graphs of a lowered program's delegates."""

from __future__ import annotations

from dataclasses import replace

from workers.vulkan.lowering.graph.vk_graph import Graph, read_graph
from workers.vulkan.lowering.lowered import Lowered


def graphs_of(lowered: Lowered) -> tuple[Graph, ...]:
    """In the order in which the program calls them."""
    return tuple(
        replace(
            read_graph(one.graph, one.constants),
            dropped_factors=one.dropped_factors,
            returned_constants=one.returned_constants,
            changed_buffers=tuple(one.program.graph_signature.buffers_to_mutate.values()),
        )
        for one in lowered.delegates
    )
