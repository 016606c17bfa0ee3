"""A fact about Vela 5.1.0 and 5.2.0: columns that become channels can be stored beyond their memory.

Vela takes a RESHAPE out, and its operand gets the shape after it (`RemoveReshape` in regor's
compiler/graphir_optimiser.cpp). A value `[H,W,1]` that is read as `[H,W]` then has one column of W channels in each
row. The operation that writes the value keeps `[H,W,1]`. A reduction along the last axis reads it in this shape too.
Since both have the same columns and channels, it may be stored in bricks (`UpdateSchedulerTensor` in
compiler/scheduler.cpp). Its memory follows from the shape after the RESHAPE. The W channels
are rounded up to bricks (`AllocationSizeBytes` in compiler/scheduler_operation.hpp). W columns of one channel need W
bricks.
"""

from __future__ import annotations

from math import prod

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node

_REDUCTIONS = ("ARGMAX", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN")

#: Vela fuses them with the operation that writes their operand.
_FUSED = ("CLAMP", "RESCALE", "TABLE")


def reduced_columns(edit: Editor, node: Node) -> tuple[int, ...]:
    """Find the value whose columns a reduction reads as channels.

    Args:
        edit: the graph under change.
        node: any node.

    Returns:
        Ids of the value `[...,W,1]` and of each step from it to the operand `[...,W]`. Empty if the node reduces
        nothing of the kind along its last axis.
    """
    if node.op not in _REDUCTIONS:
        return ()
    shape = edit[node.inputs[0]].type.shape
    if node.attributes["axis"] != len(shape) - 1 or shape[-1] == 1:
        return ()
    path = [node.inputs[0]]
    while _is_seen_through(edit, path[-1]):
        path.append(edit[path[-1]].inputs[0])
        before = edit[path[-1]].type.shape
        if len(before) > 1 and before[-2:] == (shape[-1], 1) and prod(before[:-2]) == prod(shape[:-1]):
            return tuple(reversed(path))
    return ()


def _is_seen_through(edit: Editor, value: int) -> bool:
    node = edit[value]
    if node.op == "RESCALE":
        return edit[node.inputs[1]].type.elements == 1
    return node.op in _FUSED or (node.op == MOVE and node.layout_map.keeps_order)
