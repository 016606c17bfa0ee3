"""A SLICE of a SLICE as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.passes.base import Pass


@dataclass(frozen=True)
class MergeSlices(Pass):
    """Merges a SLICE into the SLICE that reads it.

    Source: TOSA 1.0, SLICE. Vela 5.1 reads one slice in place, and copies a slice that is sliced again.
    """

    name: ClassVar[str] = "merge-slices"
    law: ClassVar[str] = "a slice of a slice is a slice that starts at the sum of both starts"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        outer = edit[node_id]
        inner = edit[outer.inputs[0]] if outer.op == "SLICE" else outer
        if outer.op != "SLICE" or inner.op != "SLICE":
            return False
        start = tuple(a + b for a, b in zip(inner.attributes["start"], outer.attributes["start"], strict=True))
        edit.redefine(node_id, replace(outer, inputs=inner.inputs, attributes={**outer.attributes, "start": start}))
        return True
