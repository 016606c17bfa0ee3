"""Transposes and reshapes move through RESCALE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.graph import Node
from search_space.layout_map import LayoutMap
from search_space.motion import hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughRescale(Pass):
    """Source: TOSA 1.0, RESCALE (a per-channel multiplier belongs to the last dimension); rewrite 7 of ExecuTorch pull
    request #18167.

    up: move maps from the result to the operand instead of from the operand to the result.
    """

    name: ClassVar[str] = "through-rescale"
    law: ClassVar[str] = "rescale(map(x)) = map(rescale(x)) if the map leaves the channel that each multiplier is for"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        if self.up:
            return hoist(edit, node_id, _data_operands, _lawful)
        return bool(_data_operands(edit[node_id])) and sink(edit, node_id, 1, _lawful)


def _data_operands(node: Node) -> int:
    return 1 if node.op == "RESCALE" else 0


def _lawful(node: Node, layout: LayoutMap) -> bool:
    return not node.attributes["per_channel"] or layout.keeps_last_dim
