"""Which movements of a program move something, and where they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from search_space.ir.graph import CONST, INPUT, MOVE, Graph, Node


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


def moves_by_convolution(graph: Graph, node_id: int) -> bool:
    """Whether the operator is a convolution, or its RESCALE, that only moves or copies. Every row of its weights has no
    more than a single one."""
    node = graph[node_id]
    if node.op == "RESCALE":
        node = graph[node.inputs[0]]
    if node.op != "CONV2D" or graph[node.inputs[1]].op != CONST:
        return False
    weights = graph[node.inputs[1]].array
    rows = weights.reshape(weights.shape[0], -1)
    return bool(np.isin(rows, (0, 1)).all() and rows.any() and (rows.sum(axis=1) <= 1).all())


def at_the_boundary(graph: Graph, node_id: int) -> bool:
    """Whether a MOVE turns an input into another layout, or a result into the caller's. Only other movements are
    between.
    """
    return _source(graph, node_id) == INPUT or any(_is_result(graph, i) for i in (node_id, *graph.users[node_id]))


def _source(graph: Graph, node_id: int) -> str:
    while graph[node_id].op == MOVE:
        node_id = graph[node_id].inputs[0]
    return graph[node_id].op


def _is_result(graph: Graph, node_id: int) -> bool:
    return node_id in graph.outputs and graph[node_id].op == MOVE
