"""RESCALE: multipliers and shifts belong to the last dimension."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from search_space.ir.editor import Editor
from search_space.ir.graph import Node
from search_space.layout.constants import permuted_constant
from search_space.layout.rules.base import ACCUMULATING, Carried, PropagationRule


class Rescale(PropagationRule):
    """rescale(map(x)) = map(rescale(x)); per channel, the multiplier follows its channel, which must stay in the last
    dimension. Source: TOSA 1.0, RESCALE."""

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return ()

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node | None:
        if not node.attributes["per_channel"]:
            return node
        back = carried.result.inverse.channels
        if back is None or any(not edit.is_constant(i) for i in node.inputs[1:3]):
            return None
        multiplier, shift = (permuted_constant(edit, i, 0, back) for i in node.inputs[1:3])
        return replace(node, inputs=(node.inputs[0], multiplier, shift, *node.inputs[3:]))

    def hoistable(self, edit: Editor, node: Node) -> bool:
        """Maps may not move between a convolution and its RESCALE, which Vela fuses into one operation.

        Args:
            edit: the graph under change.
            node: the operator.

        Returns:
            False if the operand is accumulated by a convolution or MATMUL.
        """
        return edit[node.inputs[0]].op not in ACCUMULATING


RULES: dict[str, PropagationRule] = {"RESCALE": Rescale()}
