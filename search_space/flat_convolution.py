"""Convolutions of one row or one column: the same data lies along either axis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from search_space.convolution import KERNEL_AXIS
from search_space.dtypes import IMMOVABLE
from search_space.editor import Editor
from search_space.graph import CONST, Node, Step, TensorType, move
from search_space.layout_map import Shape
from search_space.moved_constant import reshaped_constant
from search_space.rescale_of import rescale_of


def is_flat(edit: Editor, node: Node, axis: int) -> bool:
    """Whether it is a convolution whose data, kernel and padding have no extent along an axis (1 height, 2 width), and
    whose data has some along the other of the two."""
    if node.op not in KERNEL_AXIS:
        return False
    weights = edit[node.inputs[1]]
    kernel_axis = KERNEL_AXIS[node.op] + axis - 1
    data = edit[node.inputs[0]].type.shape
    pad = node.attributes["pad"][2 * (axis - 1) : 2 * axis]
    return (
        weights.op == CONST
        and weights.type.shape[kernel_axis] == 1
        and data[axis] == node.type.shape[axis] == 1
        and not any(pad)
        and data[3 - axis] > 1
    )


def turn(edit: Editor, node_id: int) -> bool:
    """Swap height and width of a flat convolution and of its RESCALE, which Vela fuses with it; False if the result can
    not be moved back."""
    rescale_id = rescale_of(edit, node_id)
    if rescale_id is None and edit[node_id].type.dtype in IMMOVABLE:
        return False
    node = edit[node_id]
    axis = KERNEL_AXIS[node.op]
    weights = edit[node.inputs[1]]
    kernel = _swapped(weights.type.shape, axis)
    data = edit[node.inputs[0]].type
    turned_data = edit.add(move(node.inputs[0], data, (Step("reshape", _swapped(data.shape, 1)),)))
    turned_weights = edit.add(reshaped_constant(weights, kernel))
    attributes: dict[str, Any] = {
        **node.attributes,
        "pad": (*node.attributes["pad"][2:], *node.attributes["pad"][:2]),
        "stride": node.attributes["stride"][::-1],
        "dilation": node.attributes["dilation"][::-1],
    }
    inputs = (turned_data, turned_weights, *node.inputs[2:])
    shape = _swapped(node.type.shape, 1)
    last = edit.add(replace(node, inputs=inputs, attributes=attributes, type=TensorType(shape, node.type.dtype)))
    result = node_id
    if rescale_id is not None:
        result = rescale_id
        rescale = edit[result]
        rescaled = TensorType(shape, rescale.type.dtype)
        last = edit.add(replace(rescale, inputs=(last, *rescale.inputs[1:]), type=rescaled))
    old = edit[result]
    edit.redefine(result, move(last, edit[last].type, (Step("reshape", old.type.shape),), old.name))
    return True


def _swapped(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], shape[axis + 1], shape[axis], *shape[axis + 2 :])
