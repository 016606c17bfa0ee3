"""Sums over height and width: recognising them, and the operators that they are built from."""

from __future__ import annotations

from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType
from search_space.ir.layout_map import Shape


def sums_pixels(node: Node) -> bool:
    """Whether a node is a REDUCE_SUM of INT32 values [N,H,W,C] over height or width."""
    return (
        node.op == "REDUCE_SUM"
        and node.attributes["axis"] in (1, 2)
        and len(node.type.shape) == 4
        and node.type.dtype == "INT32"
    )


def sliced(edit: Editor, value: int, axis: int, start: int, size: int, name: str = "") -> int:
    """Add a SLICE of consecutive entries along one axis.

    Args:
        edit: the graph under change.
        value: id of the tensor.
        axis: the axis.
        start: the first entry.
        size: the number of entries.
        name: name of the new node, for people.

    Returns:
        The id of the slice; `value` itself if the slice takes all entries.
    """
    tensor = edit[value].type
    if size == tensor.shape[axis]:
        return value
    starts = tuple(start if at == axis else 0 for at in range(len(tensor.shape)))
    sizes = _with(tensor.shape, axis, size)
    attributes = {"start": starts, "size": sizes}
    return edit.add(Node("SLICE", (value,), TensorType(sizes, tensor.dtype), attributes, name=name))


def summed(edit: Editor, value: int, axis: int, name: str = "") -> int:
    """Add a REDUCE_SUM.

    Args:
        edit: the graph under change.
        value: id of an INT32 tensor.
        axis: the axis, which has size 1 in the result.
        name: name of the new node, for people.

    Returns:
        The id of the INT32 sum.
    """
    total = TensorType(_with(edit[value].type.shape, axis, 1), "INT32")
    return edit.add(Node("REDUCE_SUM", (value,), total, {"axis": axis}, name=name))


def added(edit: Editor, one: int, other: int, name: str = "") -> int:
    """Add an ADD of two values of one type.

    Args:
        edit: the graph under change.
        one: id of the first operand.
        other: id of the second operand.
        name: name of the new node, for people.

    Returns:
        The id of the sum, of the operands' type.
    """
    return edit.add(Node("ADD", (one, other), edit[one].type, name=name))


def _with(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])
