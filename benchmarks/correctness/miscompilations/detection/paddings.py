"""Whether a program has a padding that Vela is known to compile wrongly."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.detection.values import given_out, numbers, operand, ordered_by, readers
from search_space.ir.graph import Graph

_CONVOLUTIONS = ("CONV2D", "DEPTHWISE_CONV2D")

#: What a convolution does in one operation.
_MOST_DILATION = 2


def padded_zero_point(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op not in _CONVOLUTIONS or operand(graph, node).op != "PAD":
        return False
    return any(numbers(graph, node, 3))


def reshaped_padding(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op not in _CONVOLUTIONS:
        return False
    source = ordered_by(graph, node.inputs[0])
    return source.op == "PAD" and source.type.shape != graph[node.inputs[0]].type.shape


def empty_window(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op not in _CONVOLUTIONS:
        return False
    weights = graph[node.inputs[1]].type.shape
    kernel = weights[1:3] if node.op == "CONV2D" else weights[:2]
    for axis in range(2):
        size, stride = graph[node.inputs[0]].type.shape[1 + axis], node.attributes["stride"][axis]
        dilation, before = node.attributes["dilation"][axis], node.attributes["pad"][2 * axis]
        taps = range(-before, kernel[axis] * dilation - before, dilation)
        firsts = range(0, node.type.shape[1 + axis] * stride, stride)
        if dilation > _MOST_DILATION and any(all(not 0 <= at + tap < size for tap in taps) for at in firsts):
            return True
    return False


def fused_padding(graph: Graph, node_id: int) -> bool:
    """Whether the result of a PAD is given out, and otherwise read by convolutions without padding alone."""
    node = graph[node_id]
    if node.op != "PAD" or node not in given_out(graph):
        return False
    found = readers(graph, node_id)
    return bool(found) and all(graph[i].op in _CONVOLUTIONS and not any(graph[i].attributes["pad"]) for i in found)
