"""A SLICE of a CONCAT as a CONCAT of SLICEs."""

from __future__ import annotations

from dataclasses import replace

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, TensorType, move
from search_space.ir.layout_map import LayoutMap
from search_space.layout.emission import plan


def slice_before_concat(edit: Editor, node_id: int) -> bool:
    """Rewrite slice(reshape(concat(x, y))) to reshape(concat(slice(x), slice(y))).

    The operands have one size, and the slice takes the same part of each. The CONCAT is seen as one along a dimension
    of its own, which the slice does not cut.

    Args:
        edit: the graph under change.
        node_id: id of the SLICE.

    Returns:
        True if it was rewritten.
    """
    node = edit[node_id]
    if node.op != "SLICE":
        return False
    seen = edit[node.inputs[0]]
    joined = edit[seen.inputs[0]] if seen.op == MOVE and seen.layout_map.keeps_order else seen
    if joined.op != "CONCAT" or len(joined.inputs) < 2:
        return False
    axis, shape = joined.attributes["axis"], joined.type.shape
    sizes = {edit[i].type.shape[axis] for i in joined.inputs}
    taken = {d: size for d, size in enumerate(node.type.shape) if size != seen.type.shape[d]}
    if len(sizes) > 1 or not taken:
        return False
    apart = (*shape[:axis], len(joined.inputs), sizes.pop(), *shape[axis + 1 :])
    cut = LayoutMap.reshape(apart, seen.type.shape).resized(taken)
    if cut is None or axis in cut.where.values():
        return False
    start, part = [0] * len(apart), cut.layout.in_shape
    for dim, source in cut.where.items():
        start[source] = node.attributes["start"][dim]
    size = part[:axis] + part[axis + 1 :]
    attributes = {"start": tuple(start[:axis] + start[axis + 1 :]), "size": size}
    dtype = node.type.dtype
    slices = [edit.add(Node("SLICE", (i,), TensorType(size, dtype), attributes, name=node.name)) for i in joined.inputs]
    whole = (*size[:axis], size[axis] * len(slices), *size[axis + 1 :])
    last = replace(joined, inputs=tuple(slices), type=TensorType(whole, dtype), name=node.name)
    steps = plan(LayoutMap.reshape(whole, node.type.shape))
    edit.redefine(node_id, move(edit.add(last), last.type, steps, node.name) if steps else last)
    return True
