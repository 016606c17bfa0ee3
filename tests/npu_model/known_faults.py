"""Whether a program has something that Vela is known to compile wrongly: see docs/vela-miscompilations.md."""

from __future__ import annotations

from search_space.activation_shape import gives_its_shape
from search_space.editor import Editor
from search_space.graph import CONST, MOVE, Graph, Node
from search_space.lost_padding import windows_without_padding

_WIDTHS = {"BOOL": 1, "INT8": 8, "INT16": 16, "INT32": 32}


def known_faults(graph: Graph) -> set[str]:
    """Names of the kinds of miscompilation that the program is open to."""
    edit = Editor(graph)
    found = {"lost-padding"} if windows_without_padding(edit, graph.order) else set()
    for node_id in graph.order:
        node = graph[node_id]
        operands = [_seen(graph, i) for i in node.inputs]
        if node.op == "MATMUL" and operands[0].op == "SLICE":
            found.add("sliced-matmul")
        if node.op in ("TABLE", "CLAMP") and gives_its_shape(edit, node, node.inputs[0], node.type.shape):
            found.add("batched-activation")
        if node.op == "CAST" and _WIDTHS[node.type.dtype] < _WIDTHS[graph[node.inputs[0]].type.dtype]:
            found.add("narrowing-cast")
        if node.op in ("ADD", "SUB") and all(one.op == "RESCALE" for one in operands):
            found.add("addition-scales")
        if node.op in ("SELECT", "RESIZE"):
            found.add("tensor-shape")
        if node.op == "RESCALE" and operands[0].op == "MAX_POOL2D":
            found.add("scaled-max-pool")
        if node.op in ("CONV2D", "DEPTHWISE_CONV2D") and operands[0].op == "PAD":
            found.add("padded-zero-point")
        if node.op == MOVE and operands[0].op == CONST:
            found.add("written-constants")
        if node_id in graph.outputs and node.op == MOVE and any(graph[i].op == MOVE for i in graph.users[node_id]):
            found.add("lost-output")
    return found


def _seen(graph: Graph, value: int) -> Node:
    """What computes a value, movements aside."""
    while graph[value].op == MOVE:
        value = graph[value].inputs[0]
    return graph[value]
