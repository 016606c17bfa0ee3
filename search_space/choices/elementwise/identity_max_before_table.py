"""TABLE and CLAMP that Vela cannot fuse, fused with a MAXIMUM that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.building.rescale_by_one import rescaled_by_one
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, TensorType, constant
from search_space.passes.base import Pass

_CARRIED = frozenset(("CLAMP", "TABLE"))
_POOLS = frozenset(("AVG_POOL2D", "MAX_POOL2D"))

_LEAST = -128


@dataclass(frozen=True)
class IdentityMaxBeforeTable(Pass):
    """Inserts max(x, -128) before a TABLE or CLAMP that would be an operation of its own.

    Source: Vela 5.1 fuses a TABLE or CLAMP with the convolution, pooling or arithmetic that computes its operand. That
    must have no other user. Otherwise it is a pooling of single pixels. This takes Ethos-U85 two to three times as long
    as an operation on two values. MAXIMUM is for INT32 in TOSA 1.0; between two RESCALE by one it is an int8 operation.
    """

    name: ClassVar[str] = "identity-max-before-table"
    law: ClassVar[str] = "max(x, -128) is x for int8"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op not in _CARRIED or node.type.dtype != "INT8" or _is_carried(edit, node.inputs[0]):
            return False
        shape = node.type.shape
        least = edit.add(constant(np.full((1,) * len(shape), _LEAST, np.int8)))
        operands = tuple(rescaled_by_one(edit, value, "INT32") for value in (node.inputs[0], least))
        larger = edit.add(Node("MAXIMUM", operands, TensorType(shape, "INT32"), {"nan_mode": "PROPAGATE"}))
        value = rescaled_by_one(edit, larger, "INT8")
        edit.redefine(node_id, replace(node, inputs=(value, *node.inputs[1:])))
        return True


def _is_carried(edit: Editor, value: int) -> bool:
    """Whether what reads the value is done with what computes it."""
    while edit[value].op == MOVE and edit[value].layout_map.keeps_order and edit.used_once(value):
        value = edit[value].inputs[0]
    node = edit[value]
    if not edit.used_once(value):
        return False
    return node.op in _POOLS or (node.op == "RESCALE" and edit[node.inputs[0]].op != "MATMUL")
