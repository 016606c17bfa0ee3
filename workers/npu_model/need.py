"""Which elements of a program's values its outputs depend on, whatever the values are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from search_space.graph import CONST, MOVE, Graph, Node

Need = np.ndarray | None
"""None: all elements; else a bool array of the value's shape."""

_ELEMENTWISE = frozenset((
    "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "ABS", "NEGATE", "CLZ", "CLAMP", "RESCALE", "CAST", "IDENTITY", "TABLE",
    "ARITHMETIC_RIGHT_SHIFT", "LOGICAL_LEFT_SHIFT", "LOGICAL_RIGHT_SHIFT", "BITWISE_AND", "BITWISE_OR", "BITWISE_XOR",
    "BITWISE_NOT", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_XOR", "LOGICAL_NOT", "SELECT", "EQUAL", "GREATER",
    "GREATER_EQUAL", "INTDIV",
))  # fmt: skip
_WHOLE = frozenset((
    "ARGMAX", "MATMUL", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PRODUCT", "REDUCE_SUM",
))  # fmt: skip
_WINDOWS = frozenset(("CONV2D", "DEPTHWISE_CONV2D", "MAX_POOL2D", "AVG_POOL2D"))
_MOVES: dict[str, Callable[[Node, Sequence[np.ndarray]], np.ndarray]] = {
    MOVE: lambda node, values: _moved(node, values[0]),
    "CONCAT": lambda node, values: np.concatenate(values, node.attributes["axis"]),
    "REVERSE": lambda node, values: np.flip(values[0], node.attributes["axis"]),
    "SLICE": lambda node, values: values[0][_box(node)],
    "TILE": lambda node, values: np.tile(values[0], node.attributes["multiples"]),
}


def needed(graph: Graph) -> dict[int, Need]:
    """Of each input and node but constants: the elements that must be read to compute the outputs.

    An operator that is not known, or whose result is needed in parts only, is taken to need nothing where the exact
    set is not simple: what is not in the result may be needed all the same.
    """
    found: dict[int, Need] = {i: _none(graph[i].type.shape) for i in graph.order if graph[i].op != CONST}
    found.update(dict.fromkeys(graph.outputs))
    for node_id in reversed(graph.order):
        node = graph[node_id]
        if not node.inputs or node.op == CONST:
            continue
        for source, need in zip(node.inputs, _of_operands(graph, node, found[node_id]), strict=True):
            before = found.get(source)
            if before is not None:
                found[source] = None if need is None else before | need
    return found


def _none(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(False, shape)


def _of_operands(graph: Graph, node: Node, need: Need) -> list[Need]:
    """What an operator needs of each operand if `need` is needed of its result."""
    shapes = [graph[i].type.shape for i in node.inputs]
    nothing: list[Need] = [_none(shape) for shape in shapes]
    if need is not None and need.all():
        need = None
    if node.op in _MOVES:
        if need is None and node.op != "SLICE":
            return [None] * len(shapes)
        # Where the elements that are needed come from.
        numbers = np.split(np.arange(sum(map(prod, shapes))), np.cumsum([prod(shape) for shape in shapes])[:-1])
        operands = [part.reshape(shape) for part, shape in zip(numbers, shapes, strict=True)]
        result = _MOVES[node.op](node, operands)
        taken = np.zeros(sum(map(prod, shapes)), bool)
        taken[result if need is None else result[need]] = True
        return [taken[operand] for operand in operands]
    if node.op in _ELEMENTWISE:
        return [None if need is None else _unbroadcast(need, shape) for shape in shapes]
    if need is not None:
        return nothing
    if node.op in _WHOLE:
        return [None] * len(shapes)
    if node.op == "PAD":
        return [None, *nothing[1:]]
    if node.op == "GATHER":
        return [nothing[0], None]
    if node.op in _WINDOWS:
        return [_seen(graph, node, shapes[0]), *nothing[1:]]
    return nothing


def _moved(node: Node, value: np.ndarray) -> np.ndarray:
    layout = node.layout_map
    return value.reshape(layout.atoms).transpose(layout.order).reshape(layout.out_shape)


def _box(node: Node) -> tuple[slice, ...]:
    start, size = node.attributes["start"], node.attributes["size"]
    return tuple(slice(first, first + count) for first, count in zip(start, size, strict=True))


def _unbroadcast(need: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The elements of an operand of this shape that make those of the result that are needed."""
    if prod(shape) == 1:
        return np.full(shape, need.any())
    if len(shape) != need.ndim:
        return _none(shape)  # a table or the like
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return need.any(axis=repeated, keepdims=True)


def _seen(graph: Graph, node: Node, shape: tuple[int, ...]) -> Need:
    """The elements of an IFM that a window passes over, all of its result being needed."""
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
        return None
    return np.broadcast_to((rows[:, None] & columns)[None, :, :, None], shape)
