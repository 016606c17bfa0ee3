"""Moving a layout map through an operator: from its operands to its result (sink) or back (hoist).

What differs between operators is which maps may pass; what happens then is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

from search_space.dtypes import IMMOVABLE
from search_space.editor import Editor
from search_space.graph import MOVE, Node, TensorType, move
from search_space.layout_map import LayoutMap
from search_space.moved_constant import moved_constant, reshaped_constant
from search_space.plan import plan

#: Whether a map may pass through this node.
Lawful = Callable[[Node, LayoutMap], bool]


def sink(edit: Editor, node_id: int, data_operands: int, lawful: Lawful) -> bool:
    """op(map(x), map(y), constant) becomes map(op(x, y, map^-1(constant))); whether it did.

    Every moved operand must carry the same map and be read by this node alone, so that no map is duplicated.
    """
    node = edit[node_id]
    operands = node.inputs[:data_operands]
    moved = [i for i in operands if edit[i].op == MOVE and edit[i].type.shape == node.type.shape]
    if not moved or any(edit.is_output(i) or set(edit.users(i)) != {node_id} for i in moved):
        return False
    first = edit[moved[0]]
    layout = first.layout_map
    if layout.is_identity or any(edit[i].layout_map != layout for i in moved) or not lawful(node, layout):
        return False
    others = {i: _carried(edit, i, layout.inverse) for i in operands if i not in moved}
    if any(carried is None for carried in others.values()):
        return False
    inputs = tuple(edit[i].inputs[0] if i in moved else _placed(edit, i, others.get(i)) for i in node.inputs)
    before = edit.add(replace(node, inputs=inputs, type=TensorType(layout.in_shape, node.type.dtype)))
    edit.redefine(node_id, move(before, edit[before].type, first.steps, node.name))
    return True


def hoist(edit: Editor, node_id: int, data_operands: Callable[[Node], int], lawful: Lawful) -> bool:
    """map(op(x, constant)) becomes op(map(x), map(constant)), at the MOVE `node_id`; whether it did.

    Only where one operand alone has to be moved by an operator and nobody else reads op's result.
    """
    outer = edit[node_id]
    if outer.op != MOVE or outer.layout_map.is_identity:
        return False
    layout, inner_id = outer.layout_map, outer.inputs[0]
    inner = edit[inner_id]
    count = data_operands(inner)
    if not count or not edit.used_once(inner_id) or not lawful(inner, layout):
        return False
    operands = dict.fromkeys(inner.inputs[:count])
    full = [i for i in operands if edit[i].type.shape == inner.type.shape and not edit.is_constant(i)]
    if len(full) != 1:
        return False
    others = {i: _carried(edit, i, layout) for i in operands if i not in full}
    if any(carried is None for carried in others.values()):
        return False
    source = full[0]
    if edit[source].type.dtype in IMMOVABLE:
        return False
    after = edit.add(move(source, edit[source].type, outer.steps, edit[source].name))
    inputs = tuple(after if i == source else _placed(edit, i, others.get(i)) for i in inner.inputs)
    edit.redefine(node_id, replace(inner, inputs=inputs, type=outer.type, name=outer.name))
    return True


def _carried(edit: Editor, operand: int, layout: LayoutMap) -> Node | None:
    """What replaces an operand that is a constant, or broadcast so that nothing in it really moves; None if it costs an
    operator that moves data."""
    node = edit[operand]
    shape = node.type.shape
    if node.type.elements == 1:
        one = (1,) * len(layout.out_shape)
        if edit.is_constant(operand):
            return reshaped_constant(node, one)
        steps = plan(LayoutMap.reshape(shape, one))
        if not steps:
            return node
        # Where the result has one element too, nothing is broadcast: either operand's map would put one on the other.
        return move(operand, node.type, steps, node.name) if prod(layout.in_shape) > 1 else None
    if shape == layout.in_shape:
        return moved_constant(node, layout) if edit.is_constant(operand) else None
    # Broadcast along some dimensions: only a plain permutation of dimensions says where they go.
    if layout.perms is None or len(shape) != len(layout.in_shape):
        return None
    mine = LayoutMap.transpose(shape, layout.perms)
    if edit.is_constant(operand):
        return moved_constant(node, mine)
    if not mine.keeps_order:
        return None
    steps = plan(mine)
    return move(operand, node.type, steps, node.name) if steps else node


def _placed(edit: Editor, operand: int, carried: Node | None) -> int:
    """The id of the carried operand: its own if it did not change."""
    return operand if carried is None or carried is edit[operand] else edit.add(carried)
