"""Copies from one order of axes to another and back, as they stand between consecutive layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.copies import is_copy, keeps_quantisation, same_bytes

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class FoldClones(Rewrite):
    """Every copy of a copy that restores the order of axes which the first one changed."""

    name: ClassVar[str] = "fold-clones"
    law: ClassVar[str] = "a copy to another order of axes and one back give the bytes that were there"
    before: ClassVar[str | None] = "ReplaceScalarWithTensorArgPass"

    def fits(self, program: Program, node: Node) -> bool:
        if not is_copy(node) or not is_copy(args_of(node)[0]):
            return False
        first = args_of(node)[0]
        return same_bytes(args_of(first)[0], node) and keeps_quantisation(first) and keeps_quantisation(node)

    def rewrite(self, program: Program, node: Node) -> None:
        # Use the value that the first copy was made of.
        node.replace_all_uses_with(args_of(args_of(node)[0])[0])
