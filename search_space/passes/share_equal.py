"""What is computed twice from the same values is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.graph import Node
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ShareEqual(Pass):
    """Source: common subexpression elimination; constants are equal if their content is. A result of the program stays
    a value of its own.

    rescales: RESCALE, too. Vela does one that a single operator reads together with that operator, one that several
    read is an operation of its own.
    behind: also what equal RESCALEs to INT32 are read by, and their own results, while they themselves stay apart: both
    halves of a LayerNorm take x - mean from rescales of their own.
    """

    name: ClassVar[str] = "share-equal"
    law: ClassVar[str] = "the same operator on the same operands gives the same result"

    rescales: bool = False
    behind: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        source = self._least_read(edit, node)
        if source is None or edit.is_output(node_id):
            return False
        if node.op == "RESCALE" and not self.rescales and (_widens(node) or not self.behind):
            return False
        for other in [*edit.users(source), *(self._behind_equal(edit, source) if self.behind else ())]:
            # Nearly all of them differ, and their digests say so at once.
            if other != node_id and edit[other].digest == node.digest and self._equal(edit, node_id, other):
                edit.replace_uses(node_id, other)
                return True
        return False

    def _least_read(self, edit: Editor, node: Node) -> int | None:
        """The operand among whose readers its equals are looked for: rows of a matrix all read the other matrix."""
        operands = [i for i in node.inputs if not edit.is_constant(i)]
        itself = [i for i in operands if not (self.behind and _widens(edit[i]))]
        return min(itself, key=lambda i: len(edit.users(i))) if itself else next(iter(operands), None)

    def _behind_equal(self, edit: Editor, source: int) -> Iterator[int]:
        """What reads the same value by another RESCALE that is equal."""
        if _widens(edit[source]):
            for twin in edit.users(edit[source].inputs[0]):
                if twin != source and _widens(edit[twin]):
                    yield from edit.users(twin)

    def _same(self, edit: Editor, one: int, other: int) -> bool:
        if one == other:
            return True
        if edit.is_constant(one) and edit.is_constant(other):
            return edit[one].digest == edit[other].digest
        return self.behind and _widens(edit[one]) and _widens(edit[other]) and self._equal(edit, one, other)

    def _equal(self, edit: Editor, one: int, other: int) -> bool:
        first, second = edit[one], edit[other]
        return (
            first.digest == second.digest
            and len(first.inputs) == len(second.inputs)
            and all(self._same(edit, a, b) for a, b in zip(first.inputs, second.inputs, strict=True))
        )


def _widens(node: Node) -> bool:
    return node.op == "RESCALE" and node.type.dtype == "INT32"
