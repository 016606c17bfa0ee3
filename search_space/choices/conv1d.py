"""Along which spatial axis a 1-D convolution runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from search_space.choices.base import Choice
from search_space.convolution import KERNEL_AXIS
from search_space.dtypes import IMMOVABLE
from search_space.editor import Editor
from search_space.graph import CONST, Graph, Node, Step, TensorType, move
from search_space.layout_map import Shape
from search_space.moved_constant import reshaped_constant
from search_space.rescale_of import rescale_of


class Conv1d(Choice):
    """A convolution over data of height 1 (or width 1) with a kernel of height 1 (or width 1), and its RESCALE.

    The NPU's blocks are not square, so one orientation can fill them better than the other.
    """

    name: ClassVar[str] = "conv1d"
    alternatives: ClassVar[Mapping[str, str]] = {
        "along-h": "time runs along the height: N1TC is the same data as NT1C, a 1xK kernel the same as Kx1",
        "along-w": "time runs along the width: NT1C is the same data as N1TC, a Kx1 kernel the same as 1xK",
    }

    def apply(self, graph: Graph, alternative: str) -> Graph:
        flat = 1 if alternative == "along-h" else 2
        edit = Editor(graph)
        for node_id, node in graph.operators():
            if node.op in KERNEL_AXIS and _is_flat(edit, node, flat):
                rescale = rescale_of(edit, node_id)
                if rescale is not None or node.type.dtype not in IMMOVABLE:
                    _turn(edit, node_id, rescale)
        return edit.finish()


def _is_flat(edit: Editor, node: Node, axis: int) -> bool:
    """Data, kernel and padding have no extent along spatial `axis` (1 height, 2 width), and data has some along the
    other."""
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


def _turn(edit: Editor, node_id: int, rescale_id: int | None) -> None:
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


def _swapped(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], shape[axis + 1], shape[axis], *shape[axis + 2 :])
