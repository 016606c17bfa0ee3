"""Operators that together are a function of one int8 value, as one TABLE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from search_space.analysis.constant_evaluation import KNOWN, Values
from search_space.analysis.unary_region import Region, regions
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, TensorType, constant, move
from search_space.layout.emission import plan
from search_space.layout.rules.base import MOST_DIMENSIONS
from search_space.passes.base import Pass

_INPUTS = np.arange(-128, 128)

#: One of these by itself costs no more than a TABLE.
_PLAIN = frozenset(("CLAMP", "IDENTITY", "TABLE"))


@dataclass(frozen=True)
class Table(Pass):
    """Replaces operators that are a function of one int8 value by a TABLE.

    Source: evaluation at all 256 values; TOSA 1.0, TABLE. ExecuTorch lowers hard-swish, SiLU, LeakyReLU, squares and
    LayerNorm's small additions to RESCALE, MUL, ADD and the like. Vela fuses a TABLE with the operator before it. A
    function that returns its operand is removed, and one that only limits it becomes a CLAMP.

    Attributes:
        past_shared: also begin before int8 values that other operators read. These values are then computed for the
            others only.
    """

    name: ClassVar[str] = "table"
    law: ClassVar[str] = "operators that are a function of one int8 value are a TABLE of its 256 values"

    past_shared: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.type.dtype != "INT8" or node.op not in KNOWN:
            return False
        found = self._largest(edit, node_id)
        if found is None:
            return False
        region, values = found
        operators = [edit[i].op for i in region.inner if edit[i].op != MOVE]
        if len(operators) == 1 and operators[0] in _PLAIN:
            return False
        source, layout = edit[region.source], region.layout
        kept = (values == _INPUTS).all() and not (layout.is_identity and edit.is_output(node_id))
        if layout.is_identity and kept:
            edit.replace_uses(node_id, region.source)
        elif layout.is_identity:
            edit.redefine(node_id, _function(edit, region.source, values, node.name))
        elif kept or len(source.type.shape) <= max(MOST_DIMENSIONS, len(node.type.shape)):
            computed = region.source if kept else edit.add(_function(edit, region.source, values, node.name))
            edit.redefine(node_id, move(computed, source.type, plan(layout), node.name))
        else:
            moved = edit.add(move(region.source, source.type, plan(layout)))
            edit.redefine(node_id, _function(edit, moved, values, node.name))
        return True

    def _largest(self, edit: Editor, node_id: int) -> tuple[Region, Values] | None:
        found = None
        for region in regions(edit, node_id, "INT8"):
            values = region.values(edit, _INPUTS)
            if values is None:
                break
            found = region, np.broadcast_to(values, (1, len(_INPUTS)))[0]
            if not self.past_shared and (
                edit.is_output(region.source) or {*edit.users(region.source)} - {*region.inner}
            ):
                break
        return found


def _function(edit: Editor, source: int, values: Values, name: str) -> Node:
    tensor = TensorType(edit[source].type.shape, "INT8")
    low, high = int(values.min()), int(values.max())
    if (values == _INPUTS.clip(low, high)).all():
        bounds = {
            bound: value.to_bytes(1, "little", signed=True) for bound, value in (("min_val", low), ("max_val", high))
        }
        return Node("CLAMP", (source,), tensor, {**bounds, "nan_mode": "PROPAGATE"}, name=name)
    return Node("TABLE", (source, edit.add(constant(values.astype(np.int8)))), tensor, name=name)
