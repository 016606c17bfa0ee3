"""The alpha of a sum of quantised values as a part of a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FoldAlpha(ModuleRewrite):
    """ExecuTorch fuses a sum of int8 values into `q8ta_add` without its alpha: QuantizedBinaryMatch. The kernel has no
    alpha either: q8ta_binary.glsl. It multiplies each operand by a scale of its own, which may be negative."""

    name: ClassVar[str] = "fold-alpha"
    law: ClassVar[str] = "alpha (scale (q - zero)) = (alpha scale) (q - zero), rounded otherwise"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.QUANTISED
    needs: ClassVar[frozenset[Scheme]] = frozenset({Scheme.STATIC8})
    mends: ClassVar[frozenset[str]] = frozenset({"dropped-factors"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        dequantise = torch.ops.quantized_decomposed.dequantize_per_tensor.default
        return _has_alpha(node) and getattr(node.args[1], "target", None) == dequantise

    def foreseen(self, module: GraphModule) -> int:
        return sum(map(_has_alpha, module.graph.nodes))

    def rewrite(self, module: GraphModule, node: Node) -> None:
        operand: Any = node.args[1]
        integers, scale, *others = operand.args
        alpha: Any = node.kwargs["alpha"]
        with replacing(module, node) as new:
            scaled = new.call(operand.target, integers, float(scale) * float(alpha), *others)
            new.call(node.target, node.args[0], scaled)


def _has_alpha(node: Node) -> bool:
    """Whether it is a sum with a factor, as the static quantiser takes it."""
    import torch

    aten = torch.ops.aten
    is_sum = node.target in (aten.add.Tensor, aten.add_.Tensor)
    return is_sum and bool(node.kwargs.get("alpha", 1) != 1)
