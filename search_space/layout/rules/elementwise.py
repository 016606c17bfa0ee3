"""Elementwise operators: a map moves through them freely."""

from __future__ import annotations

from collections.abc import Collection

from search_space.ir.editor import Editor
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import Node
from search_space.layout.rules.base import Carried, PropagationRule


class Elementwise(PropagationRule):
    """f(map(x), map(y)) = map(f(x, y)). Source: TOSA 1.0, elementwise operators; operands of equal rank broadcast."""

    def operands(self, node: Node) -> tuple[int, ...]:
        return tuple(range(DATA_OPERANDS[node.op]))

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return ()

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node:
        return node


RULES: dict[str, PropagationRule] = dict.fromkeys(DATA_OPERANDS, Elementwise())
