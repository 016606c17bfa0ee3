"""Whether a program has weights that Vela is known to compile wrongly."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.detection.values import numbers, seen
from search_space.ir.graph import CONST, MOVE, Graph

_CONVOLUTIONS = ("CONV2D", "DEPTHWISE_CONV2D", "TRANSPOSE_CONV2D")


def shared_weights(graph: Graph, node_id: int) -> bool:
    """Whether another convolution differs in its biases, but neither in its weights nor in the scales after it."""
    node = graph[node_id]
    if node.op not in _CONVOLUTIONS:
        return False
    others = (i for i in graph.order if i != node_id and graph[i].op == node.op)
    return any(_differ_in_biases(graph, node_id, other) for other in others)


def _differ_in_biases(graph: Graph, first: int, second: int) -> bool:
    (_, weights, bias, *_), (_, other_weights, other_bias, *_) = graph[first].inputs, graph[second].inputs
    if not _are_equal(graph, weights, other_weights) or _are_equal(graph, bias, other_bias):
        return False
    return _scales(graph, first) == _scales(graph, second)


def _are_equal(graph: Graph, first: int, second: int) -> bool:
    """Whether two values are constants of the same shape and numbers."""
    constants = seen(graph, first), seen(graph, second)
    if graph[first].type != graph[second].type or any(one.op != CONST for one in constants):
        return False
    return constants[0].payload == constants[1].payload


def _scales(graph: Graph, node_id: int) -> list[tuple[int, int]]:
    """Multipliers and shifts of the RESCALE that Vela fuses to a convolution, divided by common powers of two."""
    readers = graph.users[node_id]
    while len(readers) == 1 and graph[readers[0]].op == MOVE:
        readers = graph.users[readers[0]]
    if len(readers) != 1 or graph[readers[0]].op != "RESCALE":
        return []
    rescale = graph[readers[0]]
    return [_reduced(*scale) for scale in zip(numbers(graph, rescale, 1), numbers(graph, rescale, 2), strict=True)]


def _reduced(multiplier: int, shift: int) -> tuple[int, int]:
    zeros = min((multiplier & -multiplier).bit_length() - 1, shift)
    return multiplier >> zeros, shift - zeros
