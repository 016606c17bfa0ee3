"""Removal of operators that return their operand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from search_space.analysis.rescale_by_one import scales_by_one
from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.dtypes import integer_range
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node
from search_space.passes.base import Pass


@dataclass(frozen=True)
class RemoveNoops(Pass):
    """Source: TOSA 1.0, the definition of each operator."""

    name: ClassVar[str] = "remove-noops"
    law: ClassVar[str] = "an operator that returns its operand unchanged can be removed"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        does_nothing = _DOES_NOTHING.get(node.op)
        if does_nothing is None or edit.is_output(node_id):
            return False
        source = node.inputs[0]
        if edit[source].type != node.type or not does_nothing(edit, node):
            return False
        edit.replace_uses(node_id, source)
        return True


def _clamp(edit: Editor, node: Node) -> bool:
    if not node.type.dtype.startswith("INT"):
        return False
    low, high = (int.from_bytes(node.attributes[a], "little", signed=True) for a in ("min_val", "max_val"))
    smallest, largest = integer_range(node.type.dtype)
    return low <= smallest and high >= largest


def _rescale(edit: Editor, node: Node) -> bool:
    """One, and both zero points are the same."""
    zero_in, zero_out = (uniform_value(edit, i) for i in node.inputs[3:5])
    return scales_by_one(edit, node) and zero_in is not None and zero_in == zero_out


def _add(edit: Editor, node: Node) -> bool:
    return uniform_value(edit, node.inputs[1]) == 0


def _mul(edit: Editor, node: Node) -> bool:
    return uniform_value(edit, node.inputs[1]) == 1 and uniform_value(edit, node.inputs[2]) == 0


def _max_pool(edit: Editor, node: Node) -> bool:
    attributes = node.attributes
    return set(attributes["kernel"]) == {1} and set(attributes["stride"]) == {1} and not any(attributes["pad"])


def _always(edit: Editor, node: Node) -> bool:
    return True


#: Operator -> whether it changes nothing. Called only where operand 0 and the result have the same type.
_DOES_NOTHING: dict[str, Callable[[Editor, Node], bool]] = {
    "ADD": _add,
    "CAST": _always,
    "CLAMP": _clamp,
    "CONCAT": lambda edit, node: len(node.inputs) == 1,
    "IDENTITY": _always,
    "MAX_POOL2D": _max_pool,
    MOVE: lambda edit, node: node.layout_map.is_identity,
    "MUL": _mul,
    "PAD": lambda edit, node: not any(node.attributes["padding"]),
    "RESCALE": _rescale,
    "SLICE": _always,
    "SUB": _add,
    "TILE": _always,
}
