"""Chains of transposes and reshapes become one layout map; those that amount to nothing vanish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.graph import MOVE, move
from search_space.passes.base import Pass
from search_space.plan import plan


@dataclass(frozen=True)
class FuseTransposes(Pass):
    """Source: composition of permutations; rewrites 3 and 5 of ExecuTorch pull request #18167."""

    name: ClassVar[str] = "fuse-transposes"
    law: ClassVar[str] = "one layout map after another is their composition; the identity map is its operand"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        outer = edit[node_id]
        if outer.op != MOVE:
            return False
        if outer.layout_map.is_identity and not edit.is_output(node_id):
            edit.replace_uses(node_id, outer.inputs[0])
            return True
        inner_id = outer.inputs[0]
        inner = edit[inner_id]
        if inner.op != MOVE:
            return False
        both = inner.layout_map.then(outer.layout_map)
        if both is None:
            return False
        # A chain that others read in the middle stays for them: going around it is a gain only where nothing moves.
        if not edit.used_once(inner_id) and not both.keeps_order:
            return False
        source = inner.inputs[0]
        if both.is_identity and not edit.is_output(node_id):
            edit.replace_uses(node_id, source)
            return True
        steps = plan(both)
        if not steps:
            return False
        edit.redefine(node_id, move(source, edit[source].type, steps, outer.name))
        return True
