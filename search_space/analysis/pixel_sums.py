"""Sums over height and width: which operators they are, and what they are put together from."""

from __future__ import annotations

from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType
from search_space.ir.layout_map import Shape


def sums_pixels(node: Node) -> bool:
    """Whether it is a REDUCE_SUM of INT32 values [N,H,W,C] over height or width."""
    return (
        node.op == "REDUCE_SUM"
        and node.attributes["axis"] in (1, 2)
        and len(node.type.shape) == 4
        and node.type.dtype == "INT32"
    )


def sliced(edit: Editor, value: int, axis: int, start: int, size: int, name: str = "") -> int:
    """The id of so many entries along an axis: of the value itself if they are all."""
    tensor = edit[value].type
    if size == tensor.shape[axis]:
        return value
    starts = tuple(start if at == axis else 0 for at in range(len(tensor.shape)))
    sizes = _with(tensor.shape, axis, size)
    attributes = {"start": starts, "size": sizes}
    return edit.add(Node("SLICE", (value,), TensorType(sizes, tensor.dtype), attributes, name=name))


def summed(edit: Editor, value: int, axis: int, name: str = "") -> int:
    """The id of a REDUCE_SUM of an INT32 value."""
    total = TensorType(_with(edit[value].type.shape, axis, 1), "INT32")
    return edit.add(Node("REDUCE_SUM", (value,), total, {"axis": axis}, name=name))


def added(edit: Editor, one: int, other: int, name: str = "") -> int:
    """The id of an ADD of two values of one type."""
    return edit.add(Node("ADD", (one, other), edit[one].type, name=name))


def _with(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])
