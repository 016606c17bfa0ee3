"""Composition of two layout transforms into one."""

from __future__ import annotations

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, move
from search_space.layout.emission import plan


def compose(edit: Editor, node_id: int) -> bool:
    """Rewrite map(map(x)) to one map or none.

    Args:
        edit: the graph under change.
        node_id: id of the outer MOVE.

    Returns:
        True if it was rewritten.
    """
    outer = edit[node_id]
    if outer.op != MOVE:
        return False
    if outer.layout_map.is_identity and not edit.is_output(node_id):
        edit.replace_uses(node_id, outer.inputs[0])
        return True
    inner_id = outer.inputs[0]
    inner = edit[inner_id]
    if inner.op != MOVE:
        return False
    both = inner.layout_map.then(outer.layout_map)
    if both is None:
        return False
    # A map that others read stays for them: going around it may not move what was only reshaped before.
    if not edit.used_once(inner_id) and not both.keeps_order and outer.layout_map.keeps_order:
        return False
    source = inner.inputs[0]
    if both.is_identity and not edit.is_output(node_id):
        edit.replace_uses(node_id, source)
        return True
    steps = plan(both)
    if not steps:
        return False
    edit.redefine(node_id, move(source, edit[source].type, steps, outer.name))
    return True
