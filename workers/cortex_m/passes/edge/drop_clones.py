"""Removal of copies that change nothing, such as those of dropout. They hide neighbouring layouts from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.copies import is_copy, keeps_quantisation, same_bytes

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class DropClones(Rewrite):
    """Every copy whose result has the same order of axes in memory, dtype and quantisation as its operand."""

    name: ClassVar[str] = "drop-clones"
    law: ClassVar[str] = "a copy in the same order of axes holds the same bytes"
    before: ClassVar[str | None] = "ReplaceScalarWithTensorArgPass"

    def fits(self, program: Program, node: Node) -> bool:
        return is_copy(node) and same_bytes(args_of(node)[0], node) and keeps_quantisation(node)

    def rewrite(self, program: Program, node: Node) -> None:
        # Use the operand itself.
        node.replace_all_uses_with(args_of(node)[0])
