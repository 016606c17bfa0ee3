"""Which elements of a program's values its outputs depend on, whatever the values are (demanded elements).

An under-approximation: an element that is not in the result may be demanded all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from search_space.ir.graph import MOVE, Graph, Node

Demand = bool | np.ndarray
"""All elements, none, or those at which a bool array of the value's shape is true."""

_ELEMENTWISE = frozenset((
    "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "ABS", "NEGATE", "CLZ", "CLAMP", "RESCALE", "CAST", "IDENTITY", "TABLE",
    "ARITHMETIC_RIGHT_SHIFT", "LOGICAL_LEFT_SHIFT", "LOGICAL_RIGHT_SHIFT", "BITWISE_AND", "BITWISE_OR", "BITWISE_XOR",
    "BITWISE_NOT", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_XOR", "LOGICAL_NOT", "SELECT", "EQUAL", "GREATER",
    "GREATER_EQUAL", "INTDIV",
))  # fmt: skip
_WHOLE = frozenset((
    "ARGMAX", "MATMUL", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PRODUCT", "REDUCE_SUM", "PAD",
))  # fmt: skip
_WINDOWS = frozenset(("CONV2D", "DEPTHWISE_CONV2D", "MAX_POOL2D", "AVG_POOL2D"))
_MOVES: dict[str, Callable[[Node, Sequence[np.ndarray]], np.ndarray]] = {
    MOVE: lambda node, values: _moved(node, values[0]),
    "CONCAT": lambda node, values: np.concatenate(values, node.attributes["axis"]),
    "REVERSE": lambda node, values: np.flip(values[0], node.attributes["axis"]),
    "SLICE": lambda node, values: values[0][_box(node)],
    "TILE": lambda node, values: np.tile(values[0], node.attributes["multiples"]),
}


def demanded(graph: Graph) -> dict[int, Demand]:
    """Of each node: the elements that must be read to compute the outputs.

    An operator may be unknown, or what is demanded of it may depend on others in complex ways. Then it is taken to
    demand nothing.
    """
    found: dict[int, Demand] = dict.fromkeys(graph.order, False)
    found.update(dict.fromkeys(graph.outputs, True))
    for node_id in reversed(graph.order):
        node, demand = graph[node_id], found[node_id]
        if node.inputs and demand is not False:
            for source, part in zip(node.inputs, _of_operands(graph, node, demand), strict=True):
                found[source] = _either(found[source], part)
    return found


def _either(first: Demand, second: Demand) -> Demand:
    if isinstance(first, bool) or isinstance(second, bool):
        one, other = (first, second) if isinstance(first, bool) else (second, first)
        return one or other
    both = first | second
    return True if both.all() else both


def _of_operands(graph: Graph, node: Node, demand: Demand) -> Sequence[Demand]:
    """What an operator demands of each operand if `demand` is demanded of its result."""
    shapes = [graph[i].type.shape for i in node.inputs]
    nothing: list[Demand] = [False] * len(shapes)
    if node.op in _MOVES:
        return [True] * len(shapes) if demand is True and node.op != "SLICE" else _moves(node, shapes, demand)
    if node.op in _ELEMENTWISE:
        return [_unbroadcast(demand, shape) for shape in shapes]
    if demand is not True:
        return nothing
    if node.op in _WHOLE:
        return [True] * len(shapes)
    if node.op == "GATHER":
        return [False, True]
    if node.op in _WINDOWS:
        return [_seen(graph, node, shapes[0]), *nothing[1:]]
    return nothing


def _moves(node: Node, shapes: Sequence[tuple[int, ...]], demand: Demand) -> list[Demand]:
    """Where the elements that are demanded come from."""
    sizes = [prod(shape) for shape in shapes]
    numbers = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    operands = [part.reshape(shape) for part, shape in zip(numbers, shapes, strict=True)]
    taken = np.zeros(sum(sizes), bool)
    result = _MOVES[node.op](node, operands)
    taken[result if isinstance(demand, bool) else result[demand]] = True
    return [taken[operand] for operand in operands]


def _moved(node: Node, value: np.ndarray) -> np.ndarray:
    layout = node.layout_map
    return value.reshape(layout.atoms).transpose(layout.order).reshape(layout.out_shape)


def _box(node: Node) -> tuple[slice, ...]:
    start, size = node.attributes["start"], node.attributes["size"]
    return tuple(slice(first, first + count) for first, count in zip(start, size, strict=True))


def _unbroadcast(demand: Demand, shape: tuple[int, ...]) -> Demand:
    """The elements of an operand of this shape that make those of the result that are demanded."""
    if isinstance(demand, bool):
        return demand
    if len(shape) != demand.ndim:
        return False  # a table or a scale
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return demand.any(axis=repeated, keepdims=True)


def _seen(graph: Graph, node: Node, shape: tuple[int, ...]) -> Demand:
    """The elements of an IFM that a window passes over, all of its result being demanded."""
    attributes = node.attributes
    if node.op == "CONV2D":
        kernel = graph[node.inputs[1]].type.shape[1:3]
    else:
        kernel = attributes.get("kernel") or graph[node.inputs[1]].type.shape[:2]
    dilation = attributes.get("dilation", (1, 1))
    rows_and_columns = []
    for axis in range(2):
        taps = np.arange(kernel[axis]) * dilation[axis] - attributes["pad"][2 * axis]
        results = np.arange(node.type.shape[1 + axis]) * attributes["stride"][axis]
        at = (results[:, None] + taps).ravel()
        seen = np.zeros(shape[1 + axis], bool)
        seen[at[(at >= 0) & (at < len(seen))]] = True
        rows_and_columns.append(seen)
    rows, columns = rows_and_columns
    if rows.all() and columns.all():
        return True
    return np.broadcast_to((rows[:, None] & columns)[None, :, :, None], shape)
