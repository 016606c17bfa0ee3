"""Folding of a PAD into the convolution that reads it."""

from __future__ import annotations

from dataclasses import replace

from search_space.analysis.kernels import kernel_size
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, MOVE, Node, move
from search_space.ir.layout_map import Shape
from search_space.layout.emission import plan


def with_folded_pad(edit: Editor, node: Node) -> Node | None:
    """Fold a PAD with the input's zero point into a convolution.

    There may be a layout transform between the two. The PAD itself stays for its other users.

    Args:
        edit: the graph under change.
        node: any operator.

    Returns:
        The convolution on the data before the PAD. None if there is no such PAD, or the convolution cannot pad so
        much.
    """
    kernel = kernel_size(edit, node)
    if kernel is None:
        return None
    data = edit[node.inputs[0]]
    pad = edit[data.inputs[0]] if data.op == MOVE else data
    if pad.op != "PAD" or not _same(edit, pad.inputs[1], node.inputs[3]):
        return None
    found = _behind(edit, node.inputs[0], pad)
    if found is None:
        return None
    padding, unpadded = found
    sums = tuple(a + b for a, b in zip(node.attributes["pad"], padding[2:6], strict=True))
    reach = [(size - 1) * d for size, d in zip(kernel, node.attributes["dilation"], strict=True)]
    if any(padding[:2]) or any(padding[6:]) or any(p > reach[at // 2] for at, p in enumerate(sums)):
        return None
    inputs = (unpadded if isinstance(unpadded, int) else edit.add(unpadded), *node.inputs[1:])
    return replace(node, inputs=inputs, attributes={**node.attributes, "pad": sums})


def _same(edit: Editor, one: int, other: int) -> bool:
    """Whether two constants are one value of one type."""
    first, second = edit[one], edit[other]
    alike = first.op == second.op == CONST and first.type.dtype == second.type.dtype
    return alike and first.type.elements == second.type.elements == 1 and first.payload == second.payload


def _behind(edit: Editor, value: int, pad: Node) -> tuple[Shape, int | Node] | None:
    """The padding along the dimensions of a value that a PAD returns, or that is a map of one. Also the value without
    the padding. None if a dimension that is padded is cut, or others want the map as well."""
    node, padding, source = edit[value], pad.attributes["padding"], pad.inputs[0]
    if node.op != MOVE:
        return padding, source
    before = edit[source].type
    padded = [d for d in range(len(before.shape)) if any(padding[2 * d : 2 * d + 2])]
    back = node.layout_map.inverse.resized({d: before.shape[d] for d in padded})
    if back is None or not (node.layout_map.keeps_order or edit.used_once(value)):
        return None
    found = [0] * (2 * len(node.type.shape))
    for d in padded:
        found[2 * back.where[d] : 2 * back.where[d] + 2] = padding[2 * d : 2 * d + 2]
    steps = plan(back.layout.inverse)
    return tuple(found), move(source, before, steps, node.name) if steps else source
