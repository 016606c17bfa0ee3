"""Transposes and reshapes move through PAD, SLICE, TILE and REVERSE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.laws.slices import LAWS
from search_space.motion import hoist, sink
from search_space.passes.base import Pass
from search_space.slice_of_concat import slice_before_concat
from search_space.slice_parts import slice_a_part


@dataclass(frozen=True)
class ThroughSlices(Pass):
    """Source: TOSA 1.0, data layout operators.

    up: move maps from the result to the operands instead of from the operands to the result.
    """

    name: ClassVar[str] = "through-slices"
    law: ClassVar[str] = (
        "what is cut off, added, repeated or turned round along a dimension is so wherever a map puts it"
    )

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        if self.up:
            return hoist(edit, node_id, LAWS)
        return slice_a_part(edit, node_id) or slice_before_concat(edit, node_id) or sink(edit, node_id, LAWS)
