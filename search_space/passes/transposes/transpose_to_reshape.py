"""Transposes that only move dimensions of size 1, as reshapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, move
from search_space.layout.emission import plan
from search_space.passes.base import Pass


@dataclass(frozen=True)
class TransposeToReshape(Pass):
    """Source: the normal form of a layout map drops atoms of size 1 (`search_space.ir.layout_map`)."""

    name: ClassVar[str] = "transpose-to-reshape"
    law: ClassVar[str] = (
        "a transpose that moves only dimensions of size 1 leaves the elements' order, so it is a reshape"
    )

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or not node.layout_map.keeps_order or all(s.kind == "reshape" for s in node.steps):
            return False
        source = node.inputs[0]
        steps = plan(node.layout_map)
        if steps:
            edit.redefine(node_id, move(source, edit[source].type, steps, node.name))
            return True
        if edit.is_output(node_id):
            return False
        edit.replace_uses(node_id, source)
        return True
