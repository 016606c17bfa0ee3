"""Transposes and reshapes move through operators that treat every element alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.elementwise import DATA_OPERANDS
from search_space.graph import Node
from search_space.layout_map import LayoutMap
from search_space.motion import hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughElementwise(Pass):
    """Source: TOSA 1.0, elementwise operators; rewrite 6 of ExecuTorch pull request #18167.

    up: move maps from the result to the operands instead of from the operands to the result.
    """

    name: ClassVar[str] = "through-elementwise"
    law: ClassVar[str] = "f(map(x), map(y)) = map(f(x, y)) for every f that treats all elements alike"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        if self.up:
            return hoist(edit, node_id, _data_operands, _lawful)
        count = _data_operands(edit[node_id])
        return bool(count) and sink(edit, node_id, count, _lawful)


def _data_operands(node: Node) -> int:
    return DATA_OPERANDS.get(node.op, 0)


def _lawful(node: Node, layout: LayoutMap) -> bool:
    return True
