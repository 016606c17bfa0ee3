"""A transpose is done where the fewest bytes have to be moved for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.propagation import Terms, hoist, sink
from search_space.layout.rules.all_rules import LAWS
from search_space.passes.base import Pass


@dataclass(frozen=True)
class MinimiseTransposedBytes(Pass):
    """The laws of the `through-` passes in both directions, each time only where fewer bytes are moved after than
    before: in front of a RESCALE to int32 or a TILE, behind a SLICE or a reduction, once for two operands that have the
    same map."""

    name: ClassVar[str] = "minimise-transposed-bytes"
    law: ClassVar[str] = "a map may be done before or after any operator that it can pass"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        terms = Terms(mixed=True, cheaper=True)
        return hoist(edit, node_id, LAWS, terms) or sink(edit, node_id, LAWS, terms)
