"""Propagation of a layout map through an operator: from its operands to its result (sink) or back (hoist).

The propagation rules say what differs between operators (`search_space.layout.rules`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from search_space.ir.dtypes import IMMOVABLE, payload_bytes
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, TensorType, move
from search_space.ir.layout_map import LayoutMap
from search_space.layout.activation_shape import imposes_shape
from search_space.layout.constants import moved_constant, reshaped_constant
from search_space.layout.emission import plan
from search_space.layout.rules.base import Carried, PropagationRule, carry

Rules = Mapping[str, PropagationRule]


@dataclass(frozen=True)
class Conditions:
    """Conditions on which a layout map may move through an operator.

    Attributes:
        shared: also move a map that has other users; they keep the original.
        mixed: also move where a minority of the operands must then be moved the other way.
        cheaper: only move where fewer bytes are moved after than before.
    """

    shared: bool = False
    mixed: bool = False
    cheaper: bool = False


@dataclass
class _Operands:
    """The new data operands of an operator, and their cost in moved elements and bytes.

    Attributes:
        by_position: position of an operand -> its new id or node.
        matched: elements of maps that were removed from operands.
        unmatched: elements of operands that have to be moved the other way.
        bytes_gone, bytes_added: bytes that are no longer moved, and those that are moved in addition.
    """

    by_position: dict[int, int | Node]
    matched: int = 0
    unmatched: int = 0
    bytes_gone: int = 0
    bytes_added: int = 0


def sink(edit: Editor, node_id: int, rules: Rules, conditions: Conditions = Conditions()) -> bool:
    """Rewrite op(map(x), map(y), constant) to map(op(x, y, map^-1(constant))).

    Args:
        edit: the graph under change.
        node_id: id of the operator.
        rules: propagation rules of the operators that maps may pass, by operator.
        conditions: conditions on which a map may move.

    Returns:
        True if it was rewritten.
    """
    node = edit[node_id]
    rule = rules.get(node.op)
    if rule is None:
        return False
    positions = rule.operands(node)
    return any(
        _sunk(edit, node_id, rule, at, conditions) for at in _moved_operands(edit, node_id, positions, conditions)
    )


def _moved_operands(edit: Editor, node_id: int, positions: tuple[int, ...], conditions: Conditions) -> Iterator[int]:
    """Indices of operands that are maps, one for each distinct map: what moves most first, then the simplest."""
    node = edit[node_id]
    found: dict[LayoutMap, int] = {}
    elements: dict[LayoutMap, int] = {}
    for at, position in enumerate(positions):
        operand = edit[node.inputs[position]]
        if operand.op != MOVE or operand.layout_map.is_identity:
            continue
        if _may_take(edit, node.inputs[position], node_id, conditions):
            found.setdefault(operand.layout_map, at)
            elements[operand.layout_map] = elements.get(operand.layout_map, 0) + operand.type.elements
    for layout in sorted(found, key=lambda one: (-elements[one], len(one.atoms), found[one])):
        yield found[layout]


def _may_take(edit: Editor, operand: int, node_id: int, conditions: Conditions) -> bool:
    return conditions.shared or _only_for(edit, operand, node_id)


def _only_for(edit: Editor, operand: int, node_id: int) -> bool:
    return not edit.is_output(operand) and set(edit.users(operand)) == {node_id}


def _sunk(edit: Editor, node_id: int, rule: PropagationRule, at: int, conditions: Conditions) -> bool:
    node = edit[node_id]
    positions = rule.operands(node)
    first = edit[node.inputs[positions[at]]]
    carried = carry(rule, edit, node, at, first.layout_map)
    if carried is None:
        return False
    operands = _taken_off(edit, node_id, positions, carried, conditions)
    result = rule.result(node, carried)
    if operands is None or not operands.matched:
        return False
    if operands.unmatched and not (conditions.mixed and operands.matched > operands.unmatched):
        return False
    after = TensorType(result.in_shape, node.type.dtype)
    if result.keeps_order and imposes_shape(edit, node, first.inputs[0], after.shape):
        return False
    if conditions.cheaper and operands.bytes_gone <= operands.bytes_added + moved_bytes(result, after):
        return False
    adapted = rule.adapted(edit, node, carried)
    if adapted is None:
        return False
    before = replace(_with_operands(edit, adapted, operands), type=after)
    if result.is_identity:
        edit.redefine(node_id, replace(before, name=node.name))
        return True
    steps = first.steps if result == first.layout_map else plan(result)
    edit.redefine(node_id, move(edit.add(before), after, steps, node.name))
    return True


def hoist(edit: Editor, node_id: int, rules: Rules, conditions: Conditions = Conditions()) -> bool:
    """Rewrite map(op(x, constant)) to op(map(x), map(constant)).

    Only where one operand needs an operator for its map, and op's result has no other user.

    Args:
        edit: the graph under change.
        node_id: id of the MOVE.
        rules: propagation rules of the operators that maps may pass, by operator.
        conditions: conditions on which a map may move.

    Returns:
        True if it was rewritten.
    """
    outer = edit[node_id]
    if outer.op != MOVE or outer.layout_map.is_identity:
        return False
    inner_id = outer.inputs[0]
    inner = edit[inner_id]
    rule = rules.get(inner.op)
    if rule is None or not rule.hoistable(edit, inner) or not edit.used_once(inner_id):
        return False
    carried = carry(rule, edit, inner, -1, outer.layout_map.inverse)
    if carried is None:
        return False
    if outer.layout_map.keeps_order and imposes_shape(edit, inner, inner.inputs[0], carried.result.in_shape):
        return False
    positions = rule.operands(inner)
    operands = _put_on(edit, inner_id, positions, carried, outer, conditions)
    if operands is None:
        return False
    gone = moved_bytes(outer.layout_map, outer.type) + operands.bytes_gone
    if conditions.cheaper and gone <= operands.bytes_added:
        return False
    adapted = rule.adapted(edit, inner, carried)
    if adapted is None:
        return False
    after = TensorType(carried.result.in_shape, outer.type.dtype)
    result = replace(_with_operands(edit, adapted, operands), type=after)
    if after == outer.type:
        edit.redefine(node_id, replace(result, name=outer.name))
    else:  # `carry` sees dimensions apart that the map merged
        together = LayoutMap.reshape(after.shape, outer.type.shape)
        edit.redefine(node_id, move(edit.add(result), after, plan(together), outer.name))
    return True


def moved_bytes(layout: LayoutMap, tensor: TensorType) -> int:
    """Bytes that a map moves: 0 if it only reshapes.

    Args:
        layout: the map.
        tensor: type of the tensor.

    Returns:
        Bytes.
    """
    return 0 if layout.keeps_order else payload_bytes(tensor.dtype, tensor.elements)


def _taken_off(
    edit: Editor, node_id: int, positions: tuple[int, ...], carried: Carried, conditions: Conditions
) -> _Operands | None:
    """The operands without the map; None if one of them cannot be."""
    node = edit[node_id]
    found = _Operands({})
    largest = max(edit[node.inputs[p]].type.elements for p in positions)
    done: dict[int, int | Node] = {}
    for position, layout in zip(positions, carried.operands, strict=True):
        operand = node.inputs[position]
        tensor = edit[operand]
        if operand in done:
            found.by_position[position] = done[operand]
            continue
        placed: int | Node | None
        if _taken_by(tensor, layout) and _may_take(edit, operand, node_id, conditions):
            placed = _moved(edit, operand, layout.inverse)
            found.matched += tensor.type.elements
            if _only_for(edit, operand, node_id):
                found.bytes_gone += moved_bytes(layout, tensor.type)
        else:
            placed = _carried(edit, operand, layout.inverse)
            if placed is None and conditions.mixed:
                placed = _moved(edit, operand, layout.inverse)
                # What is moved for this reader anyway is moved elsewhere instead.
                if tensor.op != MOVE or tensor.layout_map.keeps_order or not _only_for(edit, operand, node_id):
                    found.unmatched += tensor.type.elements
                found.bytes_added += moved_bytes(layout, tensor.type)
            elif isinstance(placed, Node) and placed.op == MOVE and tensor.type.elements == largest:
                # A reshape of a full operand is a map like others: either operand's could be put on the other.
                return None
        if placed is None:
            return None
        done[operand] = found.by_position[position] = placed
    return found


def _put_on(
    edit: Editor, inner_id: int, positions: tuple[int, ...], carried: Carried, outer: Node, conditions: Conditions
) -> _Operands | None:
    """The operands with the map; None if more has to be moved by operators for it than the conditions allow."""
    inner = edit[inner_id]
    found = _Operands({})
    largest = max(edit[inner.inputs[p]].type.elements for p in positions)
    done: dict[int, int | Node] = {}
    real = real_elements = 0
    for position, back in zip(positions, carried.operands, strict=True):
        operand = inner.inputs[position]
        if operand in done:
            found.by_position[position] = done[operand]
            continue
        tensor, layout = edit[operand], back.inverse
        placed = _carried(edit, operand, layout)
        if placed is None and _cancels(edit, operand, inner_id, layout):
            placed = _moved(edit, operand, layout)
            found.bytes_gone += moved_bytes(tensor.layout_map, tensor.type)
        elif placed is None or (isinstance(placed, Node) and placed.op == MOVE and tensor.type.elements == largest):
            real += 1
            real_elements += tensor.type.elements
            if real > 1 and not (conditions.mixed and real_elements <= outer.type.elements):
                return None
            if placed is None:
                steps = outer.steps if layout == outer.layout_map else plan(layout)
                placed = None if tensor.type.dtype in IMMOVABLE else move(operand, tensor.type, steps, tensor.name)
                found.bytes_added += moved_bytes(layout, tensor.type)
        if placed is None:
            return None
        done[operand] = found.by_position[position] = placed
    return found


def _carried(edit: Editor, operand: int, layout: LayoutMap) -> int | Node | None:
    """What the map of an operand is where it costs nothing: another constant, the operand itself, or a reshape of it;
    None where it moves something."""
    node = edit[operand]
    if layout.is_identity:
        return operand
    if edit.is_constant(operand):
        return reshaped_constant(node, layout.out_shape) if layout.keeps_order else moved_constant(node, layout)
    if not layout.keeps_order or node.type.dtype in IMMOVABLE:
        return None
    return move(operand, node.type, plan(layout), node.name)


def _taken_by(node: Node, layout: LayoutMap) -> bool:
    """Whether a value is a map that `layout` does, but for how its input is seen."""
    if node.op != MOVE or node.layout_map.keeps_order != layout.keeps_order:
        return False
    both = node.layout_map.then(layout.inverse)
    return both is not None and both.keeps_order


def _cancels(edit: Editor, operand: int, reader: int, layout: LayoutMap) -> bool:
    """Whether an operand is a map for this reader alone that moves nothing when `layout` is applied after it."""
    node = edit[operand]
    if node.op != MOVE or not _only_for(edit, operand, reader):
        return False
    both = node.layout_map.then(layout)
    return both is not None and both.keeps_order


def _moved(edit: Editor, operand: int, layout: LayoutMap) -> int | Node | None:
    """The operand moved, in one go with a map that it is already."""
    node = edit[operand]
    if node.type.dtype in IMMOVABLE:
        return None
    if node.op == MOVE:
        both = node.layout_map.then(layout)
        if both is not None:
            source = node.inputs[0]
            return source if both.is_identity else move(source, edit[source].type, plan(both), node.name)
    return move(operand, node.type, plan(layout), node.name)


def _with_operands(edit: Editor, node: Node, operands: _Operands) -> Node:
    added: dict[int, int] = {}

    def placed(position: int, old: int) -> int:
        new = operands.by_position.get(position, old)
        if isinstance(new, int):
            return new
        if id(new) not in added:
            added[id(new)] = edit.add(new)
        return added[id(new)]

    return replace(node, inputs=tuple(placed(at, i) for at, i in enumerate(node.inputs)))


def adapted_operands(edit: Editor, node: Node, rule: PropagationRule, carried: Carried) -> tuple[int, ...] | None:
    """The data operands of an operator in another layout, where reshapes suffice.

    Args:
        edit: the graph under change.
        node: the operator.
        rule: its propagation rule.
        carried: the layout, from `carry`.

    Returns:
        Ids of the operands, added where needed, or None if one of them needs more than a reshape.
    """
    placed = [
        _carried(edit, node.inputs[position], layout.inverse)
        for position, layout in zip(rule.operands(node), carried.operands, strict=True)
    ]
    if any(one is None for one in placed):
        return None
    return tuple(one if isinstance(one, int) else edit.add(one) for one in placed if one is not None)
