"""Matrix products computed as their transpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, MOVE, Node, Step, TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.emission import plan
from search_space.layout.propagation import moved_bytes
from search_space.passes.base import Pass

_TURN = (0, 2, 1)

#: Operators that a map after a product passes on its way to other maps.
_TRANSPARENT = frozenset((MOVE, "RESCALE", "CLAMP", "TABLE", "CAST"))


@dataclass(frozen=True)
class TransposeMatmul(Pass):
    """Computes the transpose of a matrix product where fewer bytes are moved for that.

    Source: linear algebra. In attention over the pixels of an image, both operands of a product and its result are
    transposed. The transposed product reads and writes all three as the convolutions around it do.

    The RESCALE of a product stays with it, since Vela fuses the two.
    """

    name: ClassVar[str] = "transpose-matmul"
    law: ClassVar[str] = "matmul(A, B) is matmul(B^T, A^T) transposed"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "MATMUL" or not edit.used_once(node_id):
            return False
        rescale_id = edit.users(node_id)[0]
        rescale = edit[rescale_id]
        if rescale.op != "RESCALE" or rescale.attributes["per_channel"] or rescale.inputs[0] != node_id:
            return False
        shape = _turned_shape(node)
        following = _following(edit, rescale_id)
        transposed_following = None if following is None else LayoutMap.transpose(shape, _TURN).then(following)
        if following is None or transposed_following is None:
            return False
        first, second, first_zero, second_zero = node.inputs
        before = moved_bytes(following, rescale.type)
        after = moved_bytes(transposed_following, rescale.type)
        for operand in (first, second):
            before += _operand_bytes(edit, operand, node_id)
            after += _turned_operand_bytes(edit, operand)
        if after >= before:
            return False
        inputs = (_turned(edit, second), _turned(edit, first), second_zero, first_zero)
        product = edit.add(replace(node, inputs=inputs, type=TensorType(shape, node.type.dtype)))
        result = TensorType(shape, rescale.type.dtype)
        rescaled = edit.add(replace(rescale, inputs=(product, *rescale.inputs[1:]), type=result))
        edit.redefine(rescale_id, move(rescaled, result, (Step("transpose", _TURN),), rescale.name))
        return True


def _turned_shape(node: Node) -> Shape:
    return tuple(node.type.shape[d] for d in _TURN)


def _following(edit: Editor, value: int) -> LayoutMap | None:
    """The composition of the maps after a value, up to the first operator that is not elementwise."""
    shape = edit[value].type.shape
    total: LayoutMap | None = LayoutMap.reshape(shape, shape)
    while total is not None and edit.used_once(value):
        reader = edit.users(value)[0]
        node = edit[reader]
        if node.op not in _TRANSPARENT or node.inputs[0] != value or node.attributes.get("per_channel"):
            break
        if node.op == MOVE:
            total = total.then(node.layout_map)
        value = reader
    return total


def _operand_bytes(edit: Editor, operand: int, reader: int) -> int:
    """Bytes that are moved to read an operand, if they are moved for this reader alone."""
    node = edit[operand]
    if node.op != MOVE or set(edit.users(operand)) != {reader} or edit.is_output(operand) or _folds(edit, node):
        return 0
    return moved_bytes(node.layout_map, node.type)


def _turned_operand_bytes(edit: Editor, operand: int) -> int:
    """Bytes that would be moved to read the transposed operand."""
    node = edit[operand]
    turn = LayoutMap.transpose(node.type.shape, _TURN)
    both = node.layout_map.then(turn) if node.op == MOVE else None
    return 0 if _folds(edit, node) else moved_bytes(both or turn, node.type)


def _folds(edit: Editor, node: Node) -> bool:
    """Whether the node is a constant, or one that is moved: that is done at compile time."""
    return node.op == CONST or (node.op == MOVE and edit.is_constant(node.inputs[0]))


def _turned(edit: Editor, operand: int) -> int:
    """The operand turned, in one go with a map that it is already."""
    node = edit[operand]
    turn = LayoutMap.transpose(node.type.shape, _TURN)
    both = node.layout_map.then(turn) if node.op == MOVE else None
    source = operand if both is None else node.inputs[0]
    steps = plan(both or turn)
    return edit.add(move(source, edit[source].type, steps, node.name)) if steps else source
