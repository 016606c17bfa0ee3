"""What choices that change a convolution's shape have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search_space.building.fused_rescale import rescale_of
from search_space.ir.dtypes import IMMOVABLE
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node, TensorType
from search_space.ir.layout_map import Shape

#: Channels that Vela 5.1 takes; it splits a longer row.
MOST_CHANNELS = 1 << 16

#: Largest width of an operation of the NPU.
MOST_WIDTH = 1 << 16

#: The largest stride that the NPU has. For a larger one Vela 5.1 makes an operation for each position.
MOST_STRIDE = 3

#: Rows, and places, of the largest kernel that Vela 5.1 takes as one operation. Source: its supported operators.
MOST_ROWS, MOST_TAPS = 64, 64 * 64


def result_of(edit: Editor, node_id: int) -> int | None:
    """The value that is transformed back if a convolution gets another shape.

    Args:
        edit: the graph under change.
        node_id: id of the convolution.

    Returns:
        The id of its fused RESCALE, else `node_id`; None if the result has a type without TRANSPOSE and RESHAPE.
    """
    rescale = rescale_of(edit, node_id)
    if rescale is not None:
        return rescale
    return None if edit[node_id].type.dtype in IMMOVABLE else node_id


def reshaped(edit: Editor, node_id: int, result: int, node: Node, shape: Shape) -> int:
    """Add a convolution of another shape, with the fused RESCALE of the one that it stands for.

    Args:
        edit: the graph under change.
        node_id: id of the old convolution.
        result: what `result_of` returned for it.
        node: the new convolution.
        shape: shape of its result.

    Returns:
        The id of the new convolution, or of its RESCALE.
    """
    last = edit.add(replace(node, type=TensorType(shape, node.type.dtype)))
    if result == node_id:
        return last
    rescale = edit[result]
    inputs = (last, *rescale.inputs[1:])
    return edit.add(replace(rescale, inputs=inputs, type=TensorType(shape, rescale.type.dtype)))


def padded(edit: Editor, value: int, padding: Sequence[tuple[int, int]], zero_point: int) -> int | None:
    """Add a PAD.

    Args:
        edit: the graph under change.
        value: id of the value.
        padding: for each dimension the number of elements (before, after).
        zero_point: id of the constant that is filled in.

    Returns:
        The id of the padded value; `value` itself if nothing is padded. None if `zero_point` is no constant of the
        value's type.
    """
    node, constant = edit[value], edit[zero_point]
    if not any(map(any, padding)):
        return value
    if constant.op != CONST or constant.type.dtype != node.type.dtype:
        return None
    shape = tuple(before + size + after for size, (before, after) in zip(node.type.shape, padding, strict=True))
    attributes = {"padding": tuple(count for pair in padding for count in pair)}
    return edit.add(Node("PAD", (value, zero_point), TensorType(shape, node.type.dtype), attributes, name=node.name))
