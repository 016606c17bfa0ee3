"""Layout transforms of constants at compile time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.ir.dtypes import NUMPY, payload_bytes
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.ir.layout_map import LayoutMap, Shape


def moved_constant(node: Node, layout: LayoutMap) -> Node | None:
    """Apply a map to a constant.

    Args:
        node: the constant.
        layout: the map.

    Returns:
        The new constant, or None for element types that numpy does not have.
    """
    if layout.keeps_order:
        return reshaped_constant(node, layout.out_shape)
    if node.type.dtype not in NUMPY:
        return None
    atoms = node.array.reshape(layout.atoms).transpose(layout.order)
    return constant(atoms.reshape(layout.out_shape), node.type.dtype, node.name)


def reshaped_constant(node: Node, shape: Shape) -> Node:
    """Give a constant another shape of the same size.

    Args:
        node: the constant, of any element type.
        shape: the new shape.

    Returns:
        The new constant, with the same payload.
    """
    return Node(node.op, (), TensorType(shape, node.type.dtype), payload=node.payload, name=node.name)


def permuted_constant(edit: Editor, node_id: int, axis: int, indices: Sequence[int]) -> int:
    """Add a constant with selected entries of another one along an axis.

    A constant with one entry along the axis is broadcast and stays.

    Args:
        edit: the graph under change.
        node_id: id of the constant, of any element type of whole bytes.
        axis: the axis.
        indices: old index of each new entry.

    Returns:
        The id of the new constant; `node_id` itself where nothing changes.
    """
    node = edit[node_id]
    shape = node.type.shape
    if shape[axis] == 1 or list(indices) == list(range(shape[axis])):
        return node_id
    values = np.frombuffer(node.payload, np.uint8, count=node.type.elements * _entry_bytes(node))
    taken = values.reshape(*shape, -1).take(indices, axis)
    tensor = TensorType((*shape[:axis], len(indices), *shape[axis + 1 :]), node.type.dtype)
    return edit.add(Node(node.op, (), tensor, payload=taken.tobytes(), name=node.name))


def swapped_constant(edit: Editor, node_id: int, axis: int) -> int:
    """Add a constant with two neighbouring dimensions exchanged.

    Args:
        edit: the graph under change.
        node_id: id of the constant, of any element type of whole bytes.
        axis: the first of the two dimensions.

    Returns:
        The id of the new constant.
    """
    node = edit[node_id]
    shape = node.type.shape
    values = np.frombuffer(node.payload, np.uint8, count=node.type.elements * _entry_bytes(node))
    swapped = np.ascontiguousarray(values.reshape(*shape, -1).swapaxes(axis, axis + 1))
    result = (*shape[:axis], shape[axis + 1], shape[axis], *shape[axis + 2 :])
    return edit.add(Node(node.op, (), TensorType(result, node.type.dtype), payload=swapped.tobytes(), name=node.name))


def repeated_constant(edit: Editor, node_id: int, times: int) -> int:
    """Add a constant of one dimension that repeats another one.

    Args:
        edit: the graph under change.
        node_id: id of the constant, of any element type of whole bytes.
        times: number of repetitions.

    Returns:
        The id of the new constant.
    """
    node = edit[node_id]
    (size,) = node.type.shape
    payload = node.payload[: size * _entry_bytes(node)] * times
    repeated = TensorType((times * size,), node.type.dtype)
    return edit.add(Node(node.op, (), repeated, payload=payload, name=node.name))


def _entry_bytes(node: Node) -> int:
    return payload_bytes(node.type.dtype, 1)
