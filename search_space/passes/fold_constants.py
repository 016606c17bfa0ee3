"""Constant folding of transposes and reshapes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, MOVE
from search_space.layout.constants import moved_constant
from search_space.passes.base import Pass


@dataclass(frozen=True)
class FoldConstants(Pass):
    """Applies transposes and reshapes of constants at compile time.

    Source: evaluation; rewrite 9 of ExecuTorch pull request #18167.
    """

    name: ClassVar[str] = "fold-constants"
    law: ClassVar[str] = "a transpose or reshape of a constant is a constant"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or edit[node.inputs[0]].op != CONST:
            return False
        folded = moved_constant(edit[node.inputs[0]], node.layout_map)
        if folded is None:
            return False
        edit.redefine(node_id, replace(folded, name=node.name))
        return True
