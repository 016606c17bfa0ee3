"""Convolutions over one row or one column, whose data is the same along either axis."""

from __future__ import annotations

from dataclasses import replace

from search_space.analysis.kernels import KERNEL_AXIS
from search_space.building.convolution import reshaped, result_of
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node, Step, move
from search_space.ir.layout_map import Shape
from search_space.layout.constants import reshaped_constant
from search_space.layout.rules.windows import swapped_attributes


def is_one_dimensional(edit: Editor, node: Node, axis: int) -> bool:
    """Whether a convolution has extent 1 along one spatial axis, and its data has more along the other.

    Data, kernel, padding and result have size 1 or padding 0 along `axis`.

    Args:
        edit: the graph under change.
        node: any operator.
        axis: 1 for the height, 2 for the width.

    Returns:
        True if it is such a convolution.
    """
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


def swap_axes(edit: Editor, node_id: int) -> bool:
    """Swap height and width of a flat convolution and of its fused RESCALE, with reshapes around them.

    Args:
        edit: the graph under change.
        node_id: id of the convolution.

    Returns:
        True if it was done, False if the result has a type that cannot be reshaped.
    """
    result = result_of(edit, node_id)
    if result is None:
        return False
    node = edit[node_id]
    data = edit[node.inputs[0]].type
    turned_data = edit.add(move(node.inputs[0], data, (Step("reshape", _swapped(data.shape, 1)),)))
    inputs = (turned_data, swapped_kernel(edit, node), *node.inputs[2:])
    turned = replace(node, inputs=inputs, attributes=swapped_attributes(node.attributes))
    last = reshaped(edit, node_id, result, turned, _swapped(node.type.shape, 1))
    old = edit[result]
    edit.redefine(result, move(last, edit[last].type, (Step("reshape", old.type.shape),), old.name))
    return True


def swapped_kernel(edit: Editor, node: Node) -> int:
    """Add the weights of a flat convolution with height and width exchanged.

    Args:
        edit: the graph under change.
        node: the convolution; its kernel has height or width 1, and weights of any element type.

    Returns:
        The id of the weights.
    """
    weights = edit[node.inputs[1]]
    return edit.add(reshaped_constant(weights, _swapped(weights.type.shape, KERNEL_AXIS[node.op])))


def _swapped(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], shape[axis + 1], shape[axis], *shape[axis + 2 :])
