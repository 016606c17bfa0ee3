"""Removal of paddings by nothing, as ExecuTorch 1.5.1 puts them before average pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of
from workers.cortex_m.passes.base import Program, Rewrite

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class DropEmptyPads(Rewrite):
    """Every operator that pads by no value on any side. The kernel copies the whole image."""

    name: ClassVar[str] = "drop-empty-pads"
    law: ClassVar[str] = "a value padded by nothing is the value itself"

    def fits(self, program: Program, node: Node) -> bool:
        return operator_of(node) == "pad" and not any((*args_of(node)[1], *args_of(node)[2]))

    def rewrite(self, program: Program, node: Node) -> None:
        # Use the operand itself.
        node.replace_all_uses_with(args_of(node)[0])
