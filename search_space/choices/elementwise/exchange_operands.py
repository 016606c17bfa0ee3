"""A workaround for Vela: the order in which an operator reads two slices of one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.passes.base import Pass

_COMMUTATIVE = frozenset(("ADD", "MUL", "MAXIMUM", "MINIMUM"))


@dataclass(frozen=True)
class ExchangeOperands(Pass):
    """Exchanges two operands that are slices of one value, where the first is the later part of it.

    Source: `CalcBlockDep` of Vela 5.1.0 and 5.2.0 looks only at the second of two operands in the same tensor. If the
    first is what the operation before writes last, the operator may read it too early.
    """

    name: ClassVar[str] = "exchange-operands"
    law: ClassVar[str] = "a + b = b + a, and so do products, maxima and minima"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op not in _COMMUTATIVE:
            return False
        first, second, *rest = node.inputs
        if edit[first].type != edit[second].type:
            return False
        one, other = _slice(edit, first), _slice(edit, second)
        if one is None or other is None:
            return False
        (whole, start), (other_whole, other_start) = one, other
        if whole != other_whole or start <= other_start:
            return False
        edit.redefine(node_id, node.reading((second, first, *rest)))
        return True


def _slice(edit: Editor, value: int) -> tuple[int, tuple[int, ...]] | None:
    """What an operand is a slice of, and where it starts. Vela does a RESCALE in the operator that reads it."""
    while edit[value].op == "RESCALE":
        value = edit[value].inputs[0]
    node = edit[value]
    return (node.inputs[0], node.attributes["start"]) if node.op == "SLICE" else None
