"""Transposes over as few and as large dimensions as possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, move
from search_space.layout.emission import merged
from search_space.passes.base import Pass


@dataclass(frozen=True)
class MergeTransposedAxes(Pass):
    """Source: the normal form of a layout map (`search_space.ir.layout_map`). [3,96,96] to [96,96,3] is a 2-D transpose
    [3,9216] to [9216,3]. It takes half the cycles on Ethos-U55. On Ethos-U85 it takes many times the cycles, since Vela
    has a native form for the former only."""

    name: ClassVar[str] = "merge-transposed-axes"
    law: ClassVar[str] = (
        "neighbouring dimensions that a transpose keeps together can be merged before it and split after"
    )

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.layout_map.keeps_order:
            return False
        steps = merged(node.layout_map)
        if steps == node.steps:
            return False
        source = node.inputs[0]
        edit.redefine(node_id, move(source, edit[source].type, steps, node.name))
        return True
