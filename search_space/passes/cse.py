"""Common subexpression elimination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node
from search_space.passes.base import Pass


@dataclass(frozen=True)
class Cse(Pass):
    """Computes equal operators on equal operands once.

    Constants are equal if their contents are. An output of the program stays a value of its own.

    Attributes:
        rescales: also merge equal RESCALEs. Vela fuses a RESCALE with its only user; with several users it is an
            operation of its own.
        through_rescales: also merge the users of equal RESCALEs to INT32, while the RESCALEs themselves stay apart.
            Both halves of a LayerNorm compute x - mean from RESCALEs of their own.
    """

    name: ClassVar[str] = "cse"
    law: ClassVar[str] = "the same operator on the same operands gives the same result"

    rescales: bool = False
    through_rescales: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if edit.is_output(node_id):
            return False
        if node.op == "RESCALE" and not self.rescales and (_widens(node) or not self.through_rescales):
            return False
        operands = [i for i in node.inputs if not edit.is_constant(i)]
        if not operands or any(self._has_one_reader(edit, i) for i in operands):
            return False
        source = self._least_read(edit, operands)
        for other in [*edit.users(source), *(self._after_equal(edit, source) if self.through_rescales else ())]:
            if other != node_id and self._equal(edit, node, edit[other]):
                edit.replace_uses(node_id, other)
                return True
        return False

    def _has_one_reader(self, edit: Editor, operand: int) -> bool:
        """Whether no two operators read this value or one that is the same, so that no two equal ones do. An example is
        a row of a matrix, beside the other matrix that all rows are multiplied with."""
        node = edit[operand]
        if len(edit.users(operand)) > 1 or edit.is_constant(operand):
            return False
        return not (self.through_rescales and _widens(node)) or self._has_one_reader(edit, node.inputs[0])

    def _least_read(self, edit: Editor, operands: list[int]) -> int:
        """The operand among whose readers its equals are looked for: rows of a matrix all read the other matrix."""
        itself = [i for i in operands if not (self.through_rescales and _widens(edit[i]))]
        return min(itself, key=lambda i: len(edit.users(i))) if itself else operands[0]

    def _after_equal(self, edit: Editor, source: int) -> Iterator[int]:
        """Ids of the users of equal RESCALEs of the same value."""
        if _widens(edit[source]):
            for twin in edit.users(edit[source].inputs[0]):
                if twin != source and _widens(edit[twin]):
                    yield from edit.users(twin)

    def _equal(self, edit: Editor, one: Node, other: Node) -> bool:
        """Whether two nodes are the same operator on the same operands.

        Operands are the same if they are one value, equal constants, or, with `through_rescales`, equal RESCALEs.
        """
        # Nearly all of them differ, and their digests say so at once.
        if one.digest != other.digest or len(one.inputs) != len(other.inputs):
            return False
        for a, b in zip(one.inputs, other.inputs, strict=True):
            if a == b:
                continue
            first = edit[a]
            if first.op != CONST and not (self.through_rescales and _widens(first)):
                return False
            if not self._equal(edit, first, edit[b]):
                return False
        return True


def _widens(node: Node) -> bool:
    return node.op == "RESCALE" and node.type.dtype == "INT32"
