"""The graphs of a lowered program's delegates."""

from __future__ import annotations

from dataclasses import replace

from workers.vulkan.lowering.graph.vk_graph import Graph, read_graph
from workers.vulkan.lowering.lowered import Delegate, Lowered


def graphs_of(lowered: Lowered) -> tuple[Graph, ...]:
    """In the order in which the program calls them."""
    return tuple(
        replace(
            read_graph(one.graph, one.constants),
            dropped_factors=one.dropped_factors,
            returned_constants=one.returned_constants,
            changed_buffers=tuple(one.program.graph_signature.buffers_to_mutate.values()),
            unread_inputs=_unread(one),
        )
        for one in lowered.delegates
    )


def _unread(delegate: Delegate) -> tuple[str, ...]:
    inputs = set(delegate.program.graph_signature.user_inputs)
    return tuple(node.name for node in delegate.program.graph.nodes if node.name in inputs and not node.users)


def judged_graphs(lowered: Lowered) -> tuple[Graph, ...]:
    """What the gate looks at. The delegates come first, then a graph without calls for what stays on the CPU."""
    integers = tuple(one.operator for one in lowered.host_operators if one.of_integers)
    return (*graphs_of(lowered), Graph((), (), (), 0, integers_on_host=integers))
