"""Moving of transposes to where they move the fewest bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.propagation import Conditions, hoist, sink
from search_space.layout.rules.all_rules import RULES
from search_space.passes.base import Pass


@dataclass(frozen=True)
class MinimiseTransposedBytes(Pass):
    """Moves each transpose to the place where it moves the fewest bytes.

    It applies the `through-` passes in both directions, but only where fewer bytes are moved after than before. Such
    places are before a RESCALE to int32 or a TILE, and after a SLICE or a reduction. One map for two operands is
    another case.
    """

    name: ClassVar[str] = "minimise-transposed-bytes"
    law: ClassVar[str] = "a map may be done before or after any operator that it can pass"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        conditions = Conditions(mixed=True, cheaper=True)
        return hoist(edit, node_id, RULES, conditions) or sink(edit, node_id, RULES, conditions)
