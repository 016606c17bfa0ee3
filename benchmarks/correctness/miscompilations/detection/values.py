"""What computes a value, as Vela sees it."""

from __future__ import annotations

from search_space.ir.dtypes import payload_bytes
from search_space.ir.graph import MOVE, Graph, Node


def operand(graph: Graph, node: Node) -> Node:
    """What computes a node's first operand, movements aside."""
    return seen(graph, node.inputs[0])


def seen(graph: Graph, value: int) -> Node:
    """What computes a value, movements aside."""
    while graph[value].op == MOVE:
        value = graph[value].inputs[0]
    return graph[value]


def ordered_by(graph: Graph, value: int) -> Node:
    """What puts the elements of a value into their order, RESHAPEs aside."""
    while graph[value].op == MOVE and graph[value].layout_map.keeps_order:
        value = graph[value].inputs[0]
    return graph[value]


def given_out(graph: Graph) -> list[Node]:
    """What the outputs are, IDENTITYs aside: Vela takes them out."""
    return [ordered_by(graph, _without_identity(graph, value)) for value in graph.outputs]


def _without_identity(graph: Graph, value: int) -> int:
    while graph[value].op == "IDENTITY":
        value = graph[value].inputs[0]
    return value


def readers(graph: Graph, value: int) -> list[int]:
    """What reads a value, behind movements and IDENTITYs."""
    found = []
    for reader in graph.users[value]:
        aside = graph[reader].op in (MOVE, "IDENTITY")
        found += readers(graph, reader) if aside else [reader]
    return found


def numbers(graph: Graph, node: Node, operand: int) -> list[int]:
    """Values of an operand that is a constant of integers, INT48 included."""
    constant = seen(graph, node.inputs[operand])
    if constant.type.dtype != "INT48":
        found: list[int] = constant.array.ravel().tolist()
        return found
    width = payload_bytes("INT48", 1)
    parts = (constant.payload[at : at + width] for at in range(0, len(constant.payload), width))
    return [int.from_bytes(part, "little", signed=True) for part in parts]
