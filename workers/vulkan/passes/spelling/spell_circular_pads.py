"""Circular padding as a concatenation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.spelling.pads import Slice, concatenate_pads, is_widened

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class SpellCircularPads(ModuleRewrite):
    """ExecuTorch fills an empty tensor slice by slice on the CPU. A delegate between may not read what it is given."""

    name: ClassVar[str] = "spell-circular-pads"
    law: ClassVar[str] = "padding round a dimension is its end, itself and its beginning, one after the other"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    removes: ClassVar[frozenset[str]] = frozenset(
        {"aten.slice_scatter.default", "dim_order_ops._empty_dim_order.default"}
    )
    mends: ClassVar[frozenset[str]] = frozenset({"unread-inputs"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        return node.target == torch.ops.aten.pad.default and "circular" in node.args[2:] and is_widened(node)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        concatenate_pads(module, node, _ends)


def _ends(extent: int, before: int, after: int) -> tuple[list[Slice], list[Slice]]:
    return [(extent - before, extent)] if before else [], [(0, after)] if after else []
