"""Which movements of a program move something, and where they are."""

from __future__ import annotations

from collections.abc import Iterator

from search_space.graph import INPUT, MOVE, Graph, Node


def interior_moves(graph: Graph) -> Iterator[tuple[int, Node]]:
    """Those between two operators: they do not read an input and are no output of the program."""
    for node_id, node in moving(graph):
        if not at_the_boundary(graph, node_id):
            yield node_id, node


def moving(graph: Graph) -> Iterator[tuple[int, Node]]:
    """Every MOVE that does more than reshape."""
    for node_id, node in graph.operators():
        if node.op == MOVE and not node.layout_map.keeps_order:
            yield node_id, node


def at_the_boundary(graph: Graph, node_id: int) -> bool:
    """Whether a MOVE turns an input into another layout or a result into the one that the caller wants, with nothing
    but other movements between."""
    return _source(graph, node_id) == INPUT or any(_is_result(graph, i) for i in (node_id, *graph.users[node_id]))


def _source(graph: Graph, node_id: int) -> str:
    while graph[node_id].op == MOVE:
        node_id = graph[node_id].inputs[0]
    return graph[node_id].op


def _is_result(graph: Graph, node_id: int) -> bool:
    return node_id in graph.outputs and graph[node_id].op == MOVE
