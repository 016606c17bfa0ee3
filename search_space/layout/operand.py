"""Operands in the layout that a rewrite wants."""

from __future__ import annotations

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.emission import plan


def in_layout(edit: Editor, operand: int, perms: tuple[int, ...], shape: Shape) -> int:
    """Transpose an operand and give it another shape.

    If the operand is a layout map itself, both become one map.

    Args:
        edit: of the graph.
        operand: number of a node.
        perms: of its dimensions; in ascending order for no transpose.
        shape: of the result.

    Returns:
        Number of the node in that layout. It is the source of the map if the two maps cancel.
    """
    node = edit[operand]
    transposed = LayoutMap.transpose(node.type.shape, perms)
    layout = transposed.then(LayoutMap.reshape(transposed.out_shape, shape))
    assert layout is not None
    both = node.layout_map.then(layout) if node.op == MOVE else None
    source = operand if both is None else node.inputs[0]
    steps = plan(both or layout)
    return edit.add(move(source, edit[source].type, steps, node.name)) if steps else source
