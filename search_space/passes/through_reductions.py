"""Transposes and reshapes move through reductions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.laws.reductions import LAWS
from search_space.motion import hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughReductions(Pass):
    """Source: TOSA 1.0, REDUCE_* and ARGMAX.

    up: move maps from the result to the operands instead of from the operands to the result.
    """

    name: ClassVar[str] = "through-reductions"
    law: ClassVar[str] = "reduce(map(x)) = map(reduce(x)) along the dimension that the reduced one is before the map"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return (hoist if self.up else sink)(edit, node_id, LAWS)
