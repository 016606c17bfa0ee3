"""A slice along a merged dimension as a slice along one of its factors."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.emission import plan


def slice_along_factor(edit: Editor, node_id: int) -> bool:
    """Rewrite a slice of map(x) along [A*B] to one along A of [A,B].

    Start and size must be multiples of B. The dimensions that the map merged are thus separate again.

    Args:
        edit: the graph under change.
        node_id: id of the SLICE.

    Returns:
        True if it was rewritten.
    """
    node = edit[node_id]
    if node.op != "SLICE" or edit[node.inputs[0]].op != MOVE:
        return False
    moved = edit[node.inputs[0]]
    layout, start, size = moved.layout_map, node.attributes["start"], node.attributes["size"]
    pieces = layout.pieces
    if pieces is None or layout.keeps_order:
        return False
    shape: list[int] = []
    new_start: list[int] = []
    new_size: list[int] = []
    for dim, group in enumerate(pieces.of_outputs):
        inner = prod(pieces.atoms[a] for a in group[1:])
        if size[dim] != layout.out_shape[dim] and len(group) > 1 and start[dim] % inner == 0 == size[dim] % inner:
            shape += [layout.out_shape[dim] // inner, inner]
            new_start += [start[dim] // inner, 0]
            new_size += [size[dim] // inner, inner]
        else:
            shape.append(layout.out_shape[dim])
            new_start.append(start[dim])
            new_size.append(size[dim])
    apart = layout.then(LayoutMap.reshape(layout.out_shape, tuple(shape)))
    if len(shape) == len(size) or apart is None or not plan(apart):
        return False
    shape_after: Shape = tuple(new_size)
    source = edit.add(move(moved.inputs[0], edit[moved.inputs[0]].type, plan(apart), moved.name))
    after = TensorType(shape_after, node.type.dtype)
    attributes = {**node.attributes, "start": tuple(new_start), "size": shape_after}
    part = edit.add(replace(node, inputs=(source,), attributes=attributes, type=after))
    edit.redefine(node_id, move(part, after, plan(LayoutMap.reshape(shape_after, node.type.shape)), node.name))
    return True
