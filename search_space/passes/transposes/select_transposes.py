"""Selection of the cheapest sequence of transposes for each layout map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import INPUT, MOVE, move
from search_space.layout.transpose_cost import cheapest_steps, steps_cycles
from search_space.passes.base import Pass


@dataclass(frozen=True)
class SelectTransposes(Pass):
    """Writes every transpose as the sequence of transposes that is cheapest on the target.

    Each candidate transpose is compiled by itself, once, and its price is remembered (`search_space.ir.target_facts`).
    `search_space.layout.transpose_cost` says what is compared.

    NCHW to NHWC with 3 channels is cheapest as one 2-D transpose on Ethos-U55. On Ethos-U85 two rotations are cheapest.
    The depth-to-space of a pixel shuffle is several times cheaper in two steps on both.

    Attributes:
        vela_only: take Vela's estimate alone.
        interior: leave out transposes of the program's inputs and those that are its outputs. Some cost less in the
            program than alone, since Vela fuses them with the operator beside them.
    """

    name: ClassVar[str] = "select-transposes"
    law: ClassVar[str] = "any transposes and reshapes that compose to the same layout map give the same tensor"

    vela_only: bool = False
    interior: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.layout_map.keeps_order:
            return False
        if self.interior and (edit.is_output(node_id) or edit[node.inputs[0]].op == INPUT):
            return False
        source = edit[node.inputs[0]].type
        cost = steps_cycles(node.steps, source, edit.facts, self.vela_only)
        best = cheapest_steps(node.layout_map, source, edit.facts, self.vela_only, at_most=cost)
        if best is None or best[0] == node.steps:
            return False
        edit.redefine(node_id, move(node.inputs[0], source, best[0], node.name))
        return True
