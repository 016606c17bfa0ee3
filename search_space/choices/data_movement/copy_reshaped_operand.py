"""A workaround for Vela: copies of values that are read in two shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.building.copy_by_table import copy_by_table
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE
from search_space.layout.activation_shape import has_batch
from search_space.passes.base import Pass

#: Operator -> how many of its operands are data.
_OPERANDS = {"REDUCE_MIN": 1, "RESIZE": 1, "SELECT": 3}


@dataclass(frozen=True)
class CopyReshapedOperand(Pass):
    """Source: Vela 5.1.0 and 5.2.0 give all readers of a value one tensor. It has the shape after a RESHAPE if one of
    them is a RESHAPE (`RemoveReshape` in compiler/graphir_optimiser.cpp). SELECT and RESIZE to the same size are
    compiled in that shape instead of their own. On Ethos-U55 and U65, so is REDUCE_MIN. In docs/vela-miscompilations.md
    these are tensor-shape and reduced-minimum. An operation between gives them a tensor of their own. A value with a
    batch is left alone, since its table would be written in another shape (`search_space.layout.activation_shape`).
    """

    name: ClassVar[str] = "copy-reshaped-operand"
    law: ClassVar[str] = "a TABLE that maps every value to itself changes nothing"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op == "RESIZE" and node.type.shape != edit[node.inputs[0]].type.shape:
            return False
        data = node.inputs[: _OPERANDS.get(node.op, 0)]
        copies = {value: edit.add(copy_by_table(edit, value)) for value in data if _is_also_reshaped(edit, value)}
        after = bool(data) and _is_also_reshaped(edit, node_id)
        if not copies and not after:
            return False
        changed = node.reading(tuple(copies.get(value, value) for value in node.inputs))
        if after:
            changed = copy_by_table(edit, edit.add(changed), node.name)
        edit.redefine(node_id, changed)
        return True


def _is_also_reshaped(edit: Editor, value: int) -> bool:
    tensor = edit[value].type
    if tensor.dtype != "INT8" or has_batch(tensor.shape):
        return False
    return any(edit[reader].op == MOVE for reader in edit.users(value))
