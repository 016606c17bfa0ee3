"""Transposes and reshapes move through CONCAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.propagation import Conditions, hoist, sink
from search_space.layout.rules.concat import RULES
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughConcat(Pass):
    """Source: TOSA 1.0, CONCAT; rewrite 8 of ExecuTorch pull request #18167.

    Attributes:
        up: move maps from the result to the operands instead of from the operands to the result.
        mixed: also where operands have different maps. The one of the larger part moves on, the others are undone
            before.
    """

    name: ClassVar[str] = "through-concat"
    law: ClassVar[str] = (
        "concat(map(x), map(y)) = map(concat(x, y)) along the dimension that the axis is before the map"
    )

    mixed: bool = False
    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        # A map on the result is one on each operand: as much is moved as before.
        return (hoist if self.up else sink)(
            edit, node_id, RULES, Conditions(shared=self.mixed, mixed=self.mixed or self.up)
        )
