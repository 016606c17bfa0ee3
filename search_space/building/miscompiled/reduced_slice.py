"""A fact about Vela 5.1.0 and 5.2.0: a decomposed reduction of a SLICE reads the tensor before it.

Vela gives the place of a slice to its reader, which then reads in place. (See `MoveSplitSliceToConsumer` in regor's
compiler/graphir_optimiser.cpp.) The reader's shape becomes that of the tensor before the SLICE. The axis of a reduction
stays the number that it had in the reduction's own shape. `DecomposeReduce` (compiler/scheduler_decompose.cpp) reshapes
the tensor to three dimensions and drops the place. It does so where the NPU does not reduce that axis of that shape.

Vela has reshaped a REDUCE_SUM of more than three dimensions to three before (`RewriteReduceSum`). A REDUCE_SUM along
another axis than the last one has got a TRANSPOSE, which reads the slice instead.

Vela sees an ARGMAX in three dimensions, of which it reduces axis 1. The slice keeps its own number of dimensions. Where
that is not three, axis 1 is another one. ARGMAX along the width then reads other values, or becomes an ARGMAX_Y with a
kernel along the width. What the NPU does with that is not documented.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node

#: Axes that every family reduces in one operation, counted from behind. Ethos-U85 has the one before it too.
AXES, AXES_U85 = (-2,), (-3, -2)

#: Axes of a window, from behind.
_WINDOW = _, _WIDTH = (-3, -2)
_MOST_DIMENSIONS = 3

_REDUCTIONS = ("REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN")


def lost_slice(edit: Editor, node: Node, axes: Sequence[int] = AXES) -> int | None:
    """Find the SLICE that Vela 5.1.0 and 5.2.0 lose before a reduction.

    Args:
        edit: the graph under change.
        node: any node.
        axes: that the target reduces in one operation, from behind.

    Returns:
        The id of the SLICE. None if the node is no reduction, reads no SLICE, or is compiled rightly.
    """
    if node.op not in (*_REDUCTIONS, "REDUCE_SUM", "ARGMAX"):
        return None
    value = node.inputs[0]
    while _is_seen_through(edit, value, node.op):
        value = edit[value].inputs[0]
    if edit[value].op != "SLICE":
        return None
    shape, sliced, axis = edit[node.inputs[0]].type.shape, edit[value].type.shape, node.attributes["axis"]
    if node.op == "REDUCE_SUM":
        return value if _is_lost_by_sum(shape, sliced, axis) else None
    if _padded(shape) != _padded(sliced):
        return None
    if node.op == "ARGMAX":
        is_lost = axis - len(shape) == _WIDTH and len(sliced) != _MOST_DIMENSIONS
        return value if is_lost and prod(sliced[:-_MOST_DIMENSIONS]) == 1 else None
    in_one = axis - len(sliced) in axes and axis - len(shape) in _WINDOW and prod(sliced[:-_MOST_DIMENSIONS]) == 1
    return None if in_one else value


def _is_lost_by_sum(shape: tuple[int, ...], sliced: tuple[int, ...], axis: int) -> bool:
    if axis != len(shape) - 1:
        return False
    if len(shape) > _MOST_DIMENSIONS:
        shape = prod(shape[:-2]), *shape[-2:]
    return _padded(shape) == _padded(sliced) and len(shape) != len(sliced)


def _is_seen_through(edit: Editor, value: int, op: str) -> bool:
    """Whether Vela takes a node out, or fuses it to a reduction."""
    node = edit[value]
    if node.op == "RESCALE":
        multipliers, shifts = (edit[i].array.ravel().tolist() for i in node.inputs[1:3])
        by_one = all(scale == 1 << shift for scale, shift in zip(multipliers, shifts, strict=True))
        return op == "REDUCE_SUM" and by_one and edit.used_once(value)
    return node.op == MOVE and node.layout_map.keeps_order


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading dimensions of size 1."""
    first = next((at for at, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]
