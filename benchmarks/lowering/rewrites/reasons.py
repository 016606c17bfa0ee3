"""Why a transpose inside a program stays: read off the operators before and after it."""

from __future__ import annotations

from collections.abc import Iterator

from search_space.ir.graph import MOVE, Graph
from search_space.ir.layout_map import LayoutMap

#: What a search looks through for the operator that gives a value or takes it.
_THROUGH = frozenset((MOVE, "RESCALE", "CLAMP", "TABLE", "CAST", "CONCAT", "SLICE", "PAD"))
_CONVOLUTIONS = frozenset(("CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "TRANSPOSE_CONV2D"))
_WINDOWS = frozenset(("AVG_POOL2D", "MAX_POOL2D", "RESIZE", *_CONVOLUTIONS))

#: By what Vela calls the operator: transposes that are not in the program.
VELA_OWN = {
    "MatMul": "Vela's own: the NPU reads MATMUL's second operand by columns",
    "ReduceSum": "Vela's own: the NPU sums along channels only, so others are turned there; a mean as pooling has none",
    "Transpose": "a movement of the program",
}


def reason(graph: Graph, node_id: int) -> str:
    """In one line, for a MOVE that moves something."""
    layout = graph[node_id].layout_map
    above, below = set(_above(graph, node_id)), set(_below(graph, node_id))
    if "second operand" in below and layout.order[-1] != len(layout.order) - 1:
        return "K^T: projections give rows of channels, MATMUL takes its second operand as [batch, channels, rows]"
    if below & {"first operand", "second operand"}:
        return "heads to MATMUL's batch, [rows, heads, depth] to [heads, rows, depth]: weights order no rows"
    if "MATMUL" in above:
        return "heads merged after MATMUL, [heads, rows, depth] to [rows, heads, depth]: weights order no rows"
    if _runs_stay(layout) and below == {"result"}:
        return "the result's own order: pixels or groups of channels go where the caller wants them"
    if {"SLICE", "CONCAT"} & set(_next_to(graph, node_id)):
        return "could go: weights after a CONCAT along channels could take up the order of one of its parts"
    if _runs_stay(layout) and below <= _WINDOWS:
        return "pixels (with whole runs of channels) change places: no weight takes up an order of pixels"
    if below <= _WINDOWS:
        return "channels and pixels change places, and a window lies over the pixels before or after"
    return "could go: nothing found that holds it"


def _runs_stay(layout: LayoutMap) -> bool:
    """Whether the last dimension is moved in runs, which for channels-last data are channels of one pixel."""
    return layout.order[-1] == len(layout.order) - 1


def _next_to(graph: Graph, node_id: int) -> Iterator[str]:
    yield graph[graph[node_id].inputs[0]].op
    yield from (graph[user].op for user in graph.users[node_id])


def _above(graph: Graph, node_id: int) -> Iterator[str]:
    node = graph[graph[node_id].inputs[0]]
    if node.op in _THROUGH:
        yield from _above(graph, graph[node_id].inputs[0])
    else:
        yield node.op


def _below(graph: Graph, node_id: int) -> Iterator[str]:
    if node_id in graph.outputs:
        yield "result"
    for user in dict.fromkeys(graph.users[node_id]):
        node = graph[user]
        if node.op in _THROUGH:
            yield from _below(graph, user)
        elif node.op == "MATMUL":
            yield ("first operand", "second operand")[node.inputs.index(node_id)]
        else:
            yield node.op
