"""linear_qcs4w: weights of 4 bits, one scale for each output channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.editing import constant, value_of
from workers.vulkan.passes.fusion.fuse_linear_qcs import FuseLinearQcs

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FuseLinearQcs4w(FuseLinearQcs):
    """Two weights share a byte, each with 8 added; the earlier one has the upper four bits. Pull requests 10525 and
    10771. The gate says where the runtime has no shader for it or computes it wrongly.
    """

    name: ClassVar[str] = "fuse-linear-qcs4w"
    bits: ClassVar[int] = 4
    needs: ClassVar[frozenset[Scheme]] = frozenset({Scheme.W4})

    def fits(self, module: GraphModule, node: Node) -> bool:
        # An odd number of input channels would leave half a byte, which the runtime does not expect.
        if not super().fits(module, node):
            return False
        weights = value_of(module, node.args[1].args[0])  # type: ignore[union-attr]
        return weights is not None and weights.shape[1] % 2 == 0

    def fused(self, module: GraphModule, new: Any, rows: Node, weights: torch.Tensor, dequantiser: Any) -> Node:
        import torch
        from executorch.backends.vulkan import custom_ops_lib  # noqa: F401

        nibbles = (weights.to(torch.int16) + 8).to(torch.uint8)
        packed = nibbles[:, ::2] << 4 | nibbles[:, 1::2]
        weight = constant(module, packed.contiguous(), "qcs4w_weight")
        node: Node = new.call(torch.ops.et_vk.linear_qcs4w.default, rows, weight, dequantiser.args[1])
        return node
