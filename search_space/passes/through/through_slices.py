"""Transposes and reshapes move through PAD, SLICE, TILE and REVERSE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.propagation import Rules
from search_space.layout.rules.slices import RULES
from search_space.layout.slice_of_concat import slice_before_concat
from search_space.layout.slice_parts import slice_along_factor
from search_space.passes.through.base import Through


@dataclass(frozen=True)
class ThroughSlices(Through):
    """Source: TOSA 1.0, data layout operators."""

    name: ClassVar[str] = "through-slices"
    law: ClassVar[str] = "slice, pad, tile and reverse along a dimension follow it to where the map puts it"
    rules: ClassVar[Rules] = RULES

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        if not self.up and (slice_along_factor(edit, node_id) or slice_before_concat(edit, node_id)):
            return True
        return super().rewrite(edit, node_id)
