"""What is computed twice from the same values is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ShareEqual(Pass):
    """Source: common subexpression elimination; constants are equal if their content is. A result of the program stays
    a value of its own.

    rescales: RESCALE, too. Vela does one that a single operator reads together with that operator, one that several
    read is an operation of its own.
    """

    name: ClassVar[str] = "share-equal"
    law: ClassVar[str] = "the same operator on the same operands gives the same result"

    rescales: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        source = next((i for i in node.inputs if not edit.is_constant(i)), None)
        if source is None or edit.is_output(node_id) or (node.op == "RESCALE" and not self.rescales):
            return False
        for other in edit.users(source):
            if other != node_id and _equal(edit, node_id, other):
                edit.replace_uses(node_id, other)
                return True
        return False


def _equal(edit: Editor, one: int, other: int) -> bool:
    first, second = edit[one], edit[other]
    return (
        first.op == second.op
        and len(first.inputs) == len(second.inputs)
        and first.digest == second.digest
        and all(
            a == b or (edit.is_constant(a) and edit.is_constant(b) and edit[a].digest == edit[b].digest)
            for a, b in zip(first.inputs, second.inputs, strict=True)
        )
    )
