"""Integer operators in numpy.

They compute the same as the TOSA reference model in a fraction of the time.

A value is known on several sets of inputs at once. They are the first dimension of its array, before the dimensions of
the program. It has size 1 where the value is the same on all of them, as a constant's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search_space.analysis.constant_evaluation import rescaled, values_of
from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import CONST, INPUT, MOVE, Graph, Node
from workers.checking.products import product

_Operands = Sequence[np.ndarray]

#: INT48 is computed in what has room for it.
_COMPUTED_IN = {**NUMPY, "INT48": np.dtype(np.int64)}

#: Elements of a value. The sets of larger ones are computed one by one: what is made on the way stays in the caches.
_LARGE = 1 << 18

#: In the order of their bytes.
_EVERY_INT8 = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)


def outputs_of(graph: Graph, inputs: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """The outputs of a program on several sets of inputs.

    Args:
        graph: the program.
        inputs: `[S, ...]` for each input of the program, of its dtype.

    Returns:
        `[S, ...]` for each output; None if one of its operators has no result by `result_of`.
    """
    values = dict(zip(graph.inputs, inputs, strict=True))
    for node_id in graph.order:
        node = graph[node_id]
        if node.op != INPUT:
            operands = [graph[i] for i in node.inputs], [values[i] for i in node.inputs]
            found = constant_value(node) if node.op == CONST else result_of(node, *operands)
            if found is None:
                return None
            values[node_id] = found
    return [values[i] for i in graph.outputs]


def constant_value(node: Node) -> np.ndarray | None:
    """A constant's; None if it is of a type that nothing is computed in here."""
    if node.type.dtype == "INT48":
        upper = np.frombuffer(node.payload, np.uint8, count=6 * node.type.elements).reshape(-1, 6)
        eight = np.concatenate([np.zeros((len(upper), 2), np.uint8), upper], axis=1)
        return (eight.view("<i8") >> 16).reshape(1, *node.type.shape)  # with its sign
    return node.array[None] if node.type.dtype in NUMPY else None


def result_of(node: Node, operands: Sequence[Node], arrays: _Operands) -> np.ndarray | None:
    """What an operator makes of its operands.

    Args:
        node: the operator.
        operands: the nodes that it reads.
        arrays: their values, `[S, ...]`; S is 1 for what is the same on all sets.

    Returns:
        `[S, ...]` of the operator's dtype; INT48 is int64. None where the operator is not known here, or TOSA does not
        define the result on some set.
    """
    dtype = _COMPUTED_IN.get(node.type.dtype)
    if dtype is None or any(one.kind == "f" for one in (dtype, *(array.dtype for array in arrays))):
        return None
    sets = max(map(len, arrays))
    if sets > 1 and max(one.size for one in arrays) > _LARGE:
        each: list[np.ndarray] = []
        for at in range(sets):
            one = result_of(node, operands, [array[at : at + 1] if len(array) > 1 else array for array in arrays])
            if one is None:
                return None
            each.append(one)
        return np.concatenate(each)
    if node.op in _WHOLE:
        found = _WHOLE[node.op](node, arrays)
    elif (found := product(node, arrays)) is None:
        count = DATA_OPERANDS.get(node.op, 0)
        found = values_of(node, [one.astype(np.int64) for one in arrays[:count]], operands[count:]) if count else None
    return None if found is None else np.ascontiguousarray(found.astype(dtype, copy=False))


def _moved(node: Node, arrays: _Operands) -> np.ndarray:
    (array,) = arrays
    for step in node.steps:
        if step.kind == "reshape":
            array = array.reshape(-1, *step.argument)
        else:
            array = array.transpose(0, *(1 + place for place in step.argument))
    return array


def _concatenated(node: Node, arrays: _Operands) -> np.ndarray:
    sets = max(map(len, arrays))
    every = [np.broadcast_to(one, (sets, *one.shape[1:])) for one in arrays]
    return np.concatenate(every, axis=1 + node.attributes["axis"])


def _sliced(node: Node, arrays: _Operands) -> np.ndarray:
    starts, sizes = node.attributes["start"], node.attributes["size"]
    return arrays[0][(slice(None), *(slice(start, start + size) for start, size in zip(starts, sizes, strict=True)))]


def _padded(node: Node, arrays: _Operands) -> np.ndarray | None:
    data, value = arrays
    around = np.reshape((0, 0, *node.attributes["padding"]), (-1, 2))
    return np.pad(data, around, constant_values=value.item()) if value.size == 1 else None


def _rescaled(node: Node, arrays: _Operands) -> np.ndarray | None:
    data, *parameters = arrays
    if any(len(one) > 1 for one in parameters):
        return None
    of_each = [one.ravel().astype(np.int64) for one in parameters]
    if data.dtype == _COMPUTED_IN["INT48"]:
        return _rescaled_from_int48(node, data, *of_each)
    if data.dtype == np.int8 and data.size > len(_EVERY_INT8) and all(len(one) == 1 for one in of_each):
        by_byte = rescaled(node, _EVERY_INT8, *of_each)
        if by_byte is not None:
            return by_byte.astype(_COMPUTED_IN[node.type.dtype])[data.view(np.uint8)]
    return rescaled(node, data.astype(np.int64), *of_each)


def _rescaled_from_int48(
    node: Node, data: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray, zero_in: np.ndarray, zero_out: np.ndarray
) -> np.ndarray | None:
    """As `rescaled`, by multipliers of 16 bits: for these TOSA has no limit that the shift sets to the values."""
    attributes = node.attributes
    if attributes["scale32"] or attributes["output_unsigned"] or attributes["rounding_mode"] != "SINGLE_ROUND":
        return None
    if shifts.min() < 2 or shifts.max() > 62 or multipliers.min() < 0 or zero_in.any():
        return None
    scaled = data * multipliers
    scaled += 1 << (shifts - 1)
    scaled >>= shifts
    low, high = integer_range("INT32")
    smallest, largest = min(0, zero_out.item()), max(0, zero_out.item())
    if scaled.min() + smallest < low or scaled.max() + largest > high:
        return None
    return np.clip(scaled + zero_out, *integer_range(node.type.dtype))


def _summed(node: Node, arrays: _Operands) -> np.ndarray | None:
    axis = 1 + node.attributes["axis"]
    values = arrays[0].astype(np.int64)
    most = np.abs(values).sum(axis=axis).max()
    return values.sum(axis=axis, keepdims=True) if most <= integer_range(node.type.dtype)[1] else None


_WHOLE: dict[str, Callable[[Node, _Operands], np.ndarray | None]] = {
    MOVE: _moved,
    "CONCAT": _concatenated,
    "PAD": _padded,
    "REDUCE_MAX": lambda node, arrays: arrays[0].max(axis=1 + node.attributes["axis"], keepdims=True),
    "REDUCE_SUM": _summed,
    "RESCALE": _rescaled,
    "REVERSE": lambda node, arrays: np.flip(arrays[0], axis=1 + node.attributes["axis"]),
    "SLICE": _sliced,
    "TILE": lambda node, arrays: np.tile(arrays[0], (1, *node.attributes["multiples"])),
}
