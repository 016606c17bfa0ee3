"""linear_qcs8w: weights of 8 bits, one scale for each output channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.fusion.fuse_linear_qcs import FuseLinearQcs

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FuseLinearQcs8w(FuseLinearQcs):
    """`aten._weight_int8pack_mm` is what ExecuTorch calls linear_qcs8w in a graph. Pull requests 10525 and 10771."""

    name: ClassVar[str] = "fuse-linear-qcs8w"
    bits: ClassVar[int] = 8
    needs: ClassVar[frozenset[Scheme]] = frozenset({Scheme.W8})

    def fused(self, module: GraphModule, new: Any, rows: Node, weights: torch.Tensor, dequantiser: Any) -> Node:
        import torch

        node: Node = new.call(torch.ops.aten._weight_int8pack_mm.default, rows, *dequantiser.args[:2])
        return node
