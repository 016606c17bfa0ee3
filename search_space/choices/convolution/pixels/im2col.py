"""Convolutions with few positions as 1x1 convolutions of their windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

from search_space.analysis.kernels import dense_weights
from search_space.building.convolution import MOST_CHANNELS, padded
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.passes.base import Pass

#: Number of positions up to which windows are copied.
_MOST_POSITIONS = 16


@dataclass(frozen=True)
class Im2col(Pass):
    """Copies each window of a convolution to one pixel, so that the kernel is 1x1.

    Source: im2col. The places of a kernel become channels. If there is one position and no padding, the window is the
    data.

    Ethos-U85 works through the taps of a kernel one by one. Few positions do not fill its blocks of pixels. A 1x1
    kernel is as fast as its weights are read (Vela 5.1's choice of traversal and estimate).
    """

    name: ClassVar[str] = "im2col"
    law: ClassVar[str] = "a convolution is a 1x1 convolution whose input channels are its windows"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        kernel = dense_weights(edit, node)
        if kernel is None or kernel.shape[1:3] == (1, 1) or node.attributes["dilation"] != (1, 1):
            return False
        if prod(kernel.shape[1:]) > MOST_CHANNELS:
            return False
        data = self._windows(edit, node, kernel.shape[1:3])
        if data is None:
            return False
        weights = constant(kernel.reshape(kernel.shape[0], 1, 1, -1), name=edit[node.inputs[1]].name)
        attributes: dict[str, Any] = {**node.attributes, "pad": (0, 0, 0, 0), "stride": (1, 1)}
        inputs = (data, edit.add(weights), *node.inputs[2:])
        edit.redefine(node_id, replace(node, op="CONV2D", inputs=inputs, attributes=attributes))
        return True

    def _windows(self, edit: Editor, node: Node, kernel: Shape) -> int | None:
        """The id of the data with every window as a pixel; None if that is too much to copy."""
        n, rows, columns, _ = node.type.shape
        pad, places, positions = node.attributes["pad"], prod(kernel), rows * columns
        if positions > _MOST_POSITIONS:
            return None
        whole = padded(edit, node.inputs[0], ((0, 0), pad[:2], pad[2:], (0, 0)), node.inputs[3])
        if whole is None:
            return None
        if places < positions and node.attributes["stride"] == (1, 1):
            parts = [_cut(edit, whole, (y, x), (rows, columns)) for y in range(kernel[0]) for x in range(kernel[1])]
            return _together(edit, parts, 3)
        (down, across), channels = node.attributes["stride"], edit[whole].type.shape[3]
        cuts = [_cut(edit, whole, (y * down, x * across), kernel) for y in range(rows) for x in range(columns)]
        pixels = [_seen(edit, one, (n, 1, 1, places * channels)) for one in cuts]
        return _seen(edit, _together(edit, pixels, 2), (n, rows, columns, places * channels))


def _cut(edit: Editor, data: int, start: Shape, size: Shape) -> int:
    """The id of a part along height and width."""
    node = edit[data]
    shape = (node.type.shape[0], *size, node.type.shape[3])
    if shape == node.type.shape:
        return data
    attributes = {"start": (0, *start, 0), "size": shape}
    return edit.add(Node("SLICE", (data,), TensorType(shape, node.type.dtype), attributes, name=node.name))


def _seen(edit: Editor, data: int, shape: Shape) -> int:
    """The id of the data under another shape."""
    node = edit[data]
    return data if node.type.shape == shape else edit.add(move(data, node.type, (Step("reshape", shape),), node.name))


def _together(edit: Editor, parts: list[int], axis: int) -> int:
    if len(parts) == 1:
        return parts[0]
    first = edit[parts[0]]
    shape = list(first.type.shape)
    shape[axis] *= len(parts)
    result = TensorType(tuple(shape), first.type.dtype)
    return edit.add(Node("CONCAT", tuple(parts), result, {"axis": axis}, name=first.name))
