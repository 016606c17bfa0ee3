"""A part of a program as a program of its own."""

from __future__ import annotations

from collections.abc import Container, Sequence

from search_space.ir.graph import INPUT, Graph, Node


def slice_graph(graph: Graph, feeds: Container[int], results: Sequence[int]) -> Graph:
    """Cut a part out of a program.

    The inputs of the part are the feeds and inputs that it reads, depth first from the results. Ids stay the same.

    Args:
        graph: the program.
        feeds: ids of values that become inputs.
        results: ids of the values that become outputs, in this order.

    Returns:
        The program that computes `results` from the feeds and the inputs of `graph` that it still needs.
    """
    nodes: dict[int, Node] = {}
    pending = list(reversed(results))
    while pending:
        node_id = pending.pop()
        if node_id in nodes:
            continue
        node = graph[node_id]
        if node_id in feeds and node.op != INPUT:
            node = Node(INPUT, (), node.type, name=node.name)
        nodes[node_id] = node
        pending.extend(reversed(node.inputs))
    inputs = tuple(node_id for node_id, node in nodes.items() if node.op == INPUT)
    return Graph(nodes, inputs, tuple(results), graph.next_id)
