"""Linear operators with weights of 8 or 4 bits for each output channel, as one fused operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.model.layers import LINEAR, weighted_kind
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing, value_of

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node

LAW = "x (s w)T = s (x wT) where each output channel has one scale and no zero point; the bias is added after that"


class FuseLinearQcs(ModuleRewrite):
    """`linear(x, dequantize_per_channel(w, s, 0), b)` becomes `op(x, w, s) + b`. The bits of the weights are those that
    the dequantiser says, not what their values would fit into.

    Attributes:
        bits: of the weights. A subclass says which operator.
    """

    law: ClassVar[str] = LAW
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.QUANTISED
    removes: ClassVar[frozenset[str]] = frozenset({"quantized_decomposed.dequantize_per_channel.default"})
    bits: ClassVar[int]

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        if node.target != torch.ops.aten.linear.default:
            return False
        rows: Any = node.args[0]
        weights: Any = node.args[1]
        if _is_dequantiser(rows) or getattr(weights, "target", None) != _per_channel() or "val" not in node.meta:
            return False
        _, _, zeros, axis, low, high = weights.args[:6]
        zero_points = value_of(module, zeros)
        symmetric = zeros is None or (zero_points is not None and not bool(zero_points.any()))
        return symmetric and axis == 0 and high == 2 ** (self.bits - 1) - 1 and low in (-high, -high - 1)

    def foreseen(self, module: GraphModule) -> int:
        return sum(weighted_kind(node) == LINEAR for node in module.graph.nodes if node.op == "call_function")

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        rows: Any = node.args[0]
        dequantiser: Any = node.args[1]
        shape = [int(extent) for extent in node.meta["val"].shape]
        bias = node.args[2] if len(node.args) > 2 else None
        weights = value_of(module, dequantiser.args[0])
        assert weights is not None
        with replacing(module, node) as new:
            flat = rows if len(shape) == 2 else new.call(aten.reshape.default, rows, [-1, int(weights.shape[1])])
            out = self.fused(module, new, flat, weights, dequantiser)
            if bias is not None:
                out = new.call(aten.add.Tensor, out, bias)
            if len(shape) != 2:
                new.call(aten.reshape.default, out, shape)

    def fused(self, module: GraphModule, new: Any, rows: Node, weights: torch.Tensor, dequantiser: Any) -> Node:
        """Call the fused operator on rows of two dimensions.

        Args:
            module: that it is made in.
            new: the `Replacement` that makes it.
            rows: what it reads, (M, K).
            weights: int8 (N, K).
            dequantiser: the node that gave the weights as floats.

        Returns:
            The node of (M, N).

        Raises:
            NotImplementedError: a subclass says which operator.
        """
        raise NotImplementedError


def _is_dequantiser(node: Any) -> bool:
    return "dequantize" in str(getattr(node, "target", ""))


def _per_channel() -> Any:
    import torch

    return torch.ops.quantized_decomposed.dequantize_per_channel.default
