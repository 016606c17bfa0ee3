"""How much of a program's values its results depend on: what every lowering of it has to read."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import MOVE, Graph, Node
from search_space.ir.layout_map import Shape

# Operators that treat every element alike, or only move it.
_ONE_FOR_ONE = {*DATA_OPERANDS, "RESCALE", "REVERSE", MOVE}
_WINDOWS = {"CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "AVG_POOL2D", "MAX_POOL2D"}
# What of their first operand is read depends on values, or on scales that leave pixels out.
_SOME_OF_IT = {"GATHER", "SCATTER", "RESIZE"}


def needed_elements(graph: Graph) -> dict[int, int]:
    """Id of a value -> how many of its elements the graph's results depend on, at least.

    Windows with strides beyond their taps leave elements out, and so do slices.
    """
    needed: dict[int, int] = {}
    for node_id in reversed(graph.order):
        if node_id in graph.outputs:
            needed[node_id] = graph[node_id].type.elements
            continue
        readers = set(graph.users[node_id])
        needed[node_id] = max((_read(graph, node_id, user, needed[user]) for user in readers), default=0)
    return needed


def used_taps(node: Node, kernel: Shape, sizes: Shape) -> int:
    """Taps of a window that meet more than padding somewhere.

    Args:
        node: a convolution or pool.
        kernel: taps along each axis.
        sizes: of the data, along the same axes.

    Returns:
        How many of the taps.
    """
    met = _met(node, kernel, sizes)
    return prod(len({tap for tap, _ in along}) for along in met)


def window_of(node: Node, weights: Shape) -> Shape:
    """Taps of a convolution or pool along each axis. Source: TOSA 1.0.

    Args:
        node: the operator.
        weights: shape of its second operand.

    Returns:
        Taps along height and width, or along the axes of a CONV3D.
    """
    if "kernel" in node.attributes:
        return tuple(node.attributes["kernel"])
    return weights[:2] if node.op == "DEPTHWISE_CONV2D" else weights[1:-1]


def _read(graph: Graph, value: int, user: int, wanted: int) -> int:
    """Elements of a value that one of its users reads at least, if `wanted` elements of its result are needed."""
    node, elements = graph[user], graph[value].type.elements
    every = wanted == node.type.elements
    if node.op in _SOME_OF_IT and value == node.inputs[0]:
        return 0
    if node.op == "SLICE" or (node.op in _ONE_FOR_ONE and elements == node.type.elements):
        return min(wanted, elements)
    if not every:
        return 0
    if node.op in _WINDOWS and value == node.inputs[0]:
        shape = graph[value].type.shape
        weights = graph[node.inputs[1]].type.shape if len(node.inputs) > 1 else ()
        met = _met(node, window_of(node, weights), shape[1:-1])
        return shape[0] * shape[-1] * prod(len({place for _, place in along}) for along in met)
    if node.op == "TRANSPOSE_CONV2D" and min(node.attributes["out_pad"]) < 0:
        return 0
    return elements


def _met(node: Node, kernel: Shape, sizes: Shape) -> Sequence[set[tuple[int, int]]]:
    """(tap, place) along each axis: which taps meet which places of the data, padding left out."""
    stride, pad = node.attributes["stride"], node.attributes["pad"]
    dilation = node.attributes.get("dilation", (1,) * len(kernel))
    return [
        {
            (tap, place)
            for tap in range(kernel[d])
            for result in range(node.type.shape[1 + d])
            if 0 <= (place := result * stride[d] + tap * dilation[d] - pad[2 * d]) < sizes[d]
        }
        for d in range(len(kernel))
    ]
