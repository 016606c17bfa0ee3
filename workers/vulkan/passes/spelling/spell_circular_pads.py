"""Circular padding as a concatenation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import Replacement, replacing

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

        if node.target != torch.ops.aten.pad.default or "circular" not in node.args[2:]:
            return False
        pads: Any = node.args[1]
        image: Any = node.args[0]
        return min(pads) >= 0 and any(pads) and "val" in image.meta

    def rewrite(self, module: GraphModule, node: Node) -> None:
        pads: Any = node.args[1]
        image: Any = node.args[0]
        shape = image.meta["val"].shape
        with replacing(module, node) as made:
            # The last dimension comes first among the pads.
            for dim, (before, after) in enumerate(zip(pads[::2], pads[1::2], strict=True), 1):
                if before or after:
                    image = _padded(made, image, shape[-dim], len(shape) - dim, before, after)


def _padded(made: Replacement, image: Node, extent: int, dim: int, before: int, after: int) -> Node:
    import torch

    aten, parts = torch.ops.aten, [image]
    if before:
        parts.insert(0, made.call(aten.slice.Tensor, image, dim, extent - before, extent))
    if after:
        parts.append(made.call(aten.slice.Tensor, image, dim, 0, after))
    return made.call(aten.cat.default, parts, dim)
