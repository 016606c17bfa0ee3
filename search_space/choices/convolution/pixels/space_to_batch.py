"""Dilated convolutions as convolutions without dilation on rearranged data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from search_space.analysis.kernels import kernel_size
from search_space.building.convolution import padded, reshaped, result_of
from search_space.building.flat_convolution import swapped_kernel
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, move
from search_space.ir.layout_map import Shape
from search_space.passes.base import Pass

#: The largest dilation that the NPU has. Source: Vela 5.1 decomposes larger ones.
_MOST_DILATION = 2


@dataclass(frozen=True)
class _Axis:
    """A spatial axis with its pixels in rows of `columns`.

    Attributes:
        rows: of the data, which needs pixels `missing` before and after it for that.
        pad: in rows.
        results: in rows; the last row may have more pixels than the convolution.
    """

    columns: int
    rows: int
    missing: tuple[int, int]
    pad: tuple[int, int]
    results: int


@dataclass(frozen=True)
class SpaceToBatch(Pass):
    """Rearranges the data so that a convolution needs no dilation.

    Source: space-to-batch, as TensorFlow lowers dilated convolutions; the width holds the batches here. With dilation
    d, output d*q + r reads pixels d*(q + k) + r. These are in column r of rows of d pixels. So a kernel without
    dilation along the rows reads them. In one dimension the rearrangement is a reshape.

    Vela 5.1 decomposes a dilation above 2 into an operation for each column. Its estimate charges each of them for the
    whole result. In two dimensions it is cheaper to leave that to Vela. Otherwise the columns of both would be moved.
    """

    name: ClassVar[str] = "space-to-batch"
    law: ClassVar[str] = "a convolution with dilation d is one without dilation on the pixels of each residue modulo d"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        kernel = kernel_size(edit, node)
        result = result_of(edit, node_id)
        axis = None if kernel is None else _along(edit, node, kernel)
        if result is None or kernel is None or axis is None:
            return False
        n, h, w, c = edit[node.inputs[0]].type.shape
        grid = _axis(node, (h, w)[axis], kernel[axis], axis)
        padding = [(0, 0)] * 4
        padding[1 + axis] = grid.missing
        data = padded(edit, node.inputs[0], padding, node.inputs[3])
        if data is None:
            return False
        columns = grid.columns * (w if axis == 0 else 1)
        data = edit.add(move(data, edit[data].type, (Step("reshape", (n, grid.rows, columns, c)),), node.name))
        attributes: dict[str, Any] = {**node.attributes, "pad": (*grid.pad, 0, 0), "stride": (1, 1), "dilation": (1, 1)}
        inputs = (data, node.inputs[1] if axis == 0 else swapped_kernel(edit, node), *node.inputs[2:])
        new = replace(node, inputs=inputs, attributes=attributes)
        out = node.type.shape[3]
        last = reshaped(edit, node_id, result, new, (n, grid.results, columns, out))
        whole = list(node.type.shape)
        whole[1 + axis] = grid.results * grid.columns
        _put_back(edit, result, last, tuple(whole))
        return True


def _along(edit: Editor, node: Node, kernel: Shape) -> int | None:
    """The axis (0 height, 1 width) that is dilated as the NPU does not do it. Nothing happens along the other one, and
    the data have no height where the axis is the width."""
    for axis in (0, 1):
        pad = node.attributes["pad"][2 - 2 * axis : 4 - 2 * axis]
        flat = kernel[1 - axis] == node.attributes["stride"][1 - axis] == 1 and not any(pad)
        dense = node.attributes["stride"][axis] == 1
        apart = kernel[axis] > 1 and node.attributes["dilation"][axis] > _MOST_DILATION
        if flat and dense and apart and (axis == 0 or edit[node.inputs[0]].type.shape[1] == 1):
            return axis
    return None


def _axis(node: Node, size: int, kernel: int, axis: int) -> _Axis:
    columns, before = node.attributes["dilation"][axis], node.attributes["pad"][2 * axis]
    first = before % columns
    rows = -(-(size + first) // columns)
    results = -(-node.type.shape[1 + axis] // columns)
    before //= columns
    after = results - 1 + kernel - before - rows
    return _Axis(columns, rows, (first, rows * columns - size - first), (before, after), results)


def _put_back(edit: Editor, result: int, grid: int, shape: Shape) -> None:
    """Compute the value `result` from what it is on the grid; shape: with whole rows."""
    old = edit[result]
    moved = move(grid, edit[grid].type, (Step("reshape", shape),), old.name)
    if moved.type == old.type:
        edit.redefine(result, moved)
        return
    attributes = {"start": (0, 0, 0, 0), "size": old.type.shape}
    edit.redefine(result, Node("SLICE", (edit.add(moved),), old.type, attributes, name=old.name))
