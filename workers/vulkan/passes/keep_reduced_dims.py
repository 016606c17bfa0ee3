"""Reductions, such as means over height and width, that keep their dimensions until a reshape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class KeepReducedDims(ModuleRewrite):
    """Vulkan reduces two dimensions at once, or not the last one, only where the result keeps them. So it does for
    means, sums, and the largest and smallest values."""

    name: ClassVar[str] = "keep-reduced-dims"
    law: ClassVar[str] = "a reduction that keeps its dimensions has the same values, and a view drops the dimensions"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    removes: ClassVar[frozenset[str]] = frozenset(
        {"aten.mean.dim", "aten.sum.dim_IntList", "aten.amax.default", "aten.amin.default"}
    )

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        aten = torch.ops.aten
        reductions = (aten.mean.dim, aten.sum.dim_IntList, aten.amax.default, aten.amin.default)
        if node.target not in reductions or "val" not in node.meta or node.kwargs:
            return False
        operand: Any = node.args[0]
        dims: Any = node.args[1] if len(node.args) > 1 else None
        keeps = node.args[2] if len(node.args) > 2 else False
        if not dims or len(dims) > 2 or keeps or not operand.meta["val"].is_floating_point():
            return False
        return [dim % operand.meta["val"].ndim for dim in dims] != [operand.meta["val"].ndim - 1]

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        with replacing(module, node) as new:
            reduced = new.call(node.target, node.args[0], node.args[1], True)
            new.call(torch.ops.aten.view.default, reduced, [int(extent) for extent in node.meta["val"].shape])
