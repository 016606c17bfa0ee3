"""Whether a RESCALE has the factor one, and so changes only the element type and the zero point."""

from __future__ import annotations

from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.editor import Editor
from search_space.ir.graph import Node


def scales_by_one(edit: Editor, node: Node) -> bool:
    """Whether a RESCALE of signed values has multiplier 2^30 and shift 30, the factor one.

    Source: TOSA 1.0, RESCALE.

    Args:
        edit: the graph under change.
        node: a RESCALE.

    Returns:
        True if it has.
    """
    attributes = node.attributes
    if attributes["input_unsigned"] or attributes["output_unsigned"] or not attributes["scale32"]:
        return False
    return [uniform_value(edit, i) for i in node.inputs[1:3]] == [1 << 30, 30]


def shifted_only(edit: Editor, node: Node) -> bool:
    """Whether a node is a RESCALE to INT32 that only subtracts the input's zero point.

    Args:
        edit: the graph under change.
        node: any operator.

    Returns:
        True if it is.
    """
    return (
        node.op == "RESCALE"
        and node.type.dtype == "INT32"
        and scales_by_one(edit, node)
        and uniform_value(edit, node.inputs[4]) == 0
        and edit.is_constant(node.inputs[3])
    )
