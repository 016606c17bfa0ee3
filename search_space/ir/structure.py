"""Hashes that are equal for programs of one structure, whatever their weights or sizes.

There are two levels. `operators` is equal for programs of the same operators and edges, whatever their weights and
sizes. Examples are a network and the same one at another resolution or width. `shapes` is equal if all sizes are equal
as well: a network, and the same one trained again. Recipes carry over within the second and often within the first, so
the store is searched by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from search_space.ir import schema
from search_space.ir.graph import CONST, MOVE, Graph, Node


@dataclass(frozen=True)
class Structure:
    """Hashes of a model without its weights.

    Attributes:
        operators, shapes: 32 hex digits each; where `shapes` are equal `operators` are.
    """

    operators: str
    shapes: str


def structure_of(graphs: Sequence[Graph], host_operators: Sequence[str] = ()) -> Structure:
    """The structure of a program of one or more delegates.

    Args:
        graphs: one graph for each delegate.
        host_operators: names of the operators between them, in program order.

    Returns:
        Its structure.
    """
    return Structure(*(_digest(graphs, host_operators, sizes) for sizes in (False, True)))


def _digest(graphs: Sequence[Graph], host_operators: Sequence[str], sizes: bool) -> str:
    digest = blake2b(repr(tuple(host_operators)).encode(), digest_size=16)
    for graph in graphs:
        # A constant is described where it is read and has no place of its own: whether two operators share one depends
        # on its values.
        order = [node_id for node_id in graph.order if graph[node_id].op != CONST]
        names: dict[int, int | str] = {node_id: at for at, node_id in enumerate(order)}
        names |= {node_id: _described(node, sizes) for node_id, node in graph.nodes.items() if node.op == CONST}
        for node_id in order:
            node = graph[node_id]
            digest.update(f"{_described(node, sizes)} {[names[i] for i in node.inputs]}\n".encode())
        ends = graph.inputs, graph.outputs
        digest.update(f"{[[names[i] for i in end] for end in ends]}\n".encode())
    return digest.hexdigest()


def _described(node: Node, sizes: bool) -> str:
    """The text of a node without its values. Without `sizes`: its rank instead of its shape, and only switches."""
    shape = node.type.shape if sizes else len(node.type.shape)
    if node.op == MOVE:
        # which dimensions change places is no size
        steps = [str(step) if sizes or step.kind == "transpose" else len(step.argument) for step in node.steps]
        return f"{node.op} {node.type.dtype} {shape} {steps}"
    kinds = {field.name: field.kind for field in schema.ATTRIBUTES.get(node.op, ())}
    # what is not in the file's attributes was an operand that is a shape
    left_out = {"bytes"} if sizes else {"bytes", "ints", None}
    described = [(name, value) for name, value in sorted(node.attributes.items()) if kinds.get(name) not in left_out]
    return f"{node.op} {node.type.dtype} {shape} {described}"
