"""Elementwise operators on a row of pixels, instead of a batch or a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.emission import plan
from search_space.layout.propagation import adapted_operands
from search_space.layout.rules import elementwise, rescale
from search_space.layout.rules.base import ACCUMULATING, carry
from search_space.passes.base import Pass

_RULES = {**elementwise.RULES, **rescale.RULES}


@dataclass(frozen=True)
class Unbatch(Pass):
    """Reshapes the data of an elementwise operator to one row.

    Source: Vela 5.1 splits an operator on [N,H,W,C] with N > 1 into N operations. The NPU fills its blocks along the
    width. [1,N*H*W,C] is the same data.

    The RESCALE of a convolution stays with it, since Vela fuses the two. So does that of a column which its reader
    repeats along the width.
    """

    name: ClassVar[str] = "unbatch"
    law: ClassVar[str] = "an elementwise operator on [N,H,W,C] is one on [1,N*H*W,C]"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        shape = node.type.shape
        if node.op not in _RULES or len(shape) != 4 or edit[node.inputs[0]].op in ACCUMULATING:
            return False
        if shape[0] == 1 and (not shape[1] > shape[2] == 1 or _is_broadcast(edit, node_id)):
            return False
        rows = (1, prod(shape[:3]), shape[3])
        return _reshaped(edit, node_id, rows) or _reshaped(edit, node_id, (1, shape[0] * shape[1], *shape[2:]))


def _is_broadcast(edit: Editor, node_id: int) -> bool:
    """Whether an elementwise operator reads a value together with a larger one."""
    shape = edit[node_id].type.shape
    return any(edit[i].op in _RULES and edit[i].type.shape != shape for i in edit.users(node_id))


def _reshaped(edit: Editor, node_id: int, shape: Shape) -> bool:
    node = edit[node_id]
    if shape == node.type.shape:
        return False
    law, flat = _RULES[node.op], LayoutMap.reshape(shape, node.type.shape)
    carried = carry(law, edit, node, -1, flat)
    if carried is None:
        return False
    adapted = law.adapted(edit, node, carried)
    operands = adapted_operands(edit, node, law, carried)
    if adapted is None or operands is None:
        return False
    after = TensorType(carried.result.in_shape, node.type.dtype)
    last = edit.add(replace(adapted, inputs=(*operands, *adapted.inputs[len(operands) :]), type=after))
    edit.redefine(node_id, move(last, after, plan(flat), node.name))
    return True
