"""A workaround for Vela: columns are reduced before they become channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.building.miscompiled.reduced_columns import reduced_columns
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Step, TensorType, move
from search_space.passes.base import Pass

#: Ethos-U55 and U65 have no REDUCE_MIN, and an ARGMAX along channels only. What stands for them there is right.
_REDUCTIONS = ("REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX")


@dataclass(frozen=True)
class ReduceBeforeReshape(Pass):
    """Source: Vela 5.1.0 and 5.2.0 store a value beyond its memory if its columns are reduced as channels.

    That is `x.squeeze(1).amax(-1)` where a convolution gives `x` one channel, and `x.sum(-1).amax(-1)`
    (`search_space.building.miscompiled.reduced_columns`; brick-padding in docs/vela-miscompilations.md). Elementwise
    operators between the RESHAPE and the reduction are computed before the RESHAPE too.
    """

    name: ClassVar[str] = "reduce-before-reshape"
    law: ClassVar[str] = "reduce(reshape(x)) = reshape(reduce(x)) along the dimension that becomes the last one"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        path = reduced_columns(edit, node) if node.op in _REDUCTIONS else ()
        if not path:
            return False
        value, *after = path
        shape = edit[value].type.shape
        for each in (edit[i] for i in after if edit[i].op != MOVE):
            operands = value, *each.inputs[1:]
            value = edit.add(replace(each, inputs=operands, type=TensorType(shape, each.type.dtype)))
        *rows, _, channels = shape
        result = TensorType((*rows, 1, channels), node.type.dtype)
        attributes = {**node.attributes, "axis": len(rows)}
        reduced = edit.add(replace(node, inputs=(value,), type=result, attributes=attributes))
        edit.redefine(node_id, move(reduced, result, (Step("reshape", node.type.shape),), node.name))
        return True
