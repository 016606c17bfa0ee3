"""What integer operators compute, in numpy: the same as the TOSA reference model in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search_space.dtypes import NUMPY, integer_range
from search_space.elementwise import DATA_OPERANDS
from search_space.graph import CONST, INPUT, MOVE, Graph, Node
from search_space.scalar_values import rescaled, values_of
from workers.products import product

_Operands = Sequence[np.ndarray]


def outputs_of(graph: Graph, inputs: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """A program's outputs; None if one of its operators has no result by `result_of`."""
    values = dict(zip(graph.inputs, inputs, strict=True))
    for node_id in graph.order:
        node = graph[node_id]
        if node.type.dtype not in NUMPY:
            return None
        if node.op == CONST:
            values[node_id] = node.array
        elif node.op != INPUT:
            found = result_of(node, [graph[i] for i in node.inputs], [values[i] for i in node.inputs])
            if found is None:
                return None
            values[node_id] = found
    return [values[i] for i in graph.outputs]


def result_of(node: Node, operands: Sequence[Node], arrays: _Operands) -> np.ndarray | None:
    """What an operator makes of its operands.

    Args:
        operands: the nodes that it reads. arrays: their values, as the reference model takes them.

    Returns:
        None where the operator is not known here or TOSA does not say what the result is.
    """
    if node.op in _WHOLE:
        found = _WHOLE[node.op](node, arrays)
    elif (found := product(node, arrays)) is None:
        count = DATA_OPERANDS.get(node.op, 0)
        found = values_of(node, [one.astype(np.int64) for one in arrays[:count]], operands[count:]) if count else None
    return None if found is None else np.ascontiguousarray(found.astype(NUMPY[node.type.dtype], copy=False))


def _moved(node: Node, arrays: _Operands) -> np.ndarray:
    (array,) = arrays
    for step in node.steps:
        array = array.reshape(step.argument) if step.kind == "reshape" else array.transpose(step.argument)
    return array


def _sliced(node: Node, arrays: _Operands) -> np.ndarray:
    starts, sizes = node.attributes["start"], node.attributes["size"]
    return arrays[0][tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))]


def _padded(node: Node, arrays: _Operands) -> np.ndarray:
    data, value = arrays
    around = np.reshape(node.attributes["padding"], (-1, 2))
    return np.pad(data, around, constant_values=value.item())


def _summed(node: Node, arrays: _Operands) -> np.ndarray | None:
    axis = node.attributes["axis"]
    values = arrays[0].astype(np.int64)
    most = np.abs(values).sum(axis=axis).max()
    return values.sum(axis=axis, keepdims=True) if most <= integer_range(node.type.dtype)[1] else None


_WHOLE: dict[str, Callable[[Node, _Operands], np.ndarray | None]] = {
    MOVE: _moved,
    "CONCAT": lambda node, arrays: np.concatenate(arrays, axis=node.attributes["axis"]),
    "PAD": _padded,
    "REDUCE_MAX": lambda node, arrays: arrays[0].max(axis=node.attributes["axis"], keepdims=True),
    "REDUCE_SUM": _summed,
    "RESCALE": lambda node, arrays: rescaled(node, *arrays),
    "REVERSE": lambda node, arrays: np.flip(arrays[0], axis=node.attributes["axis"]),
    "SLICE": _sliced,
    "TILE": lambda node, arrays: np.tile(arrays[0], node.attributes["multiples"]),
}
