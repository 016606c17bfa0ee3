"""Nested concatenations as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.passes.base import Pass


@dataclass(frozen=True)
class FlattenConcat(Pass):
    """Merges a CONCAT into the CONCAT that reads it.

    Source: TOSA 1.0, CONCAT. Vela 5.1 writes the inner one to memory of its own and copies it.
    """

    name: ClassVar[str] = "flatten-concat"
    law: ClassVar[str] = "concatenation along one axis is associative"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONCAT":
            return False
        inputs = tuple(part for one in node.inputs for part in _parts(edit, one, node.attributes["axis"]))
        if inputs == node.inputs:
            return False
        edit.redefine(node_id, replace(node, inputs=inputs))
        return True


def _parts(edit: Editor, operand: int, axis: int) -> tuple[int, ...]:
    """The operands of an inner CONCAT that has no other user; else the operand itself."""
    node = edit[operand]
    apart = node.op == "CONCAT" and node.attributes["axis"] == axis and edit.used_once(operand)
    return node.inputs if apart else (operand,)
