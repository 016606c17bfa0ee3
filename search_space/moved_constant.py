"""A layout map applied to a constant at compile time."""

from __future__ import annotations

from search_space.dtypes import NUMPY
from search_space.graph import Node, TensorType, constant
from search_space.layout_map import LayoutMap, Shape


def moved_constant(node: Node, layout: LayoutMap) -> Node | None:
    """The constant with its elements moved; None for element types that numpy does not have."""
    if layout.keeps_order:
        return reshaped_constant(node, layout.out_shape)
    if node.type.dtype not in NUMPY:
        return None
    atoms = node.array.reshape(layout.atoms).transpose(layout.order)
    return constant(atoms.reshape(layout.out_shape), node.type.dtype, node.name)


def reshaped_constant(node: Node, shape: Shape) -> Node:
    """The same payload under another shape of the same size."""
    return Node(node.op, (), TensorType(shape, node.type.dtype), payload=node.payload, name=node.name)
