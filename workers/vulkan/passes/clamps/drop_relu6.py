"""A clamp that the quantised range of its output implies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.clamps.clamp_bounds import bounds_of
from workers.vulkan.passes.clamps.quantise_behind_clamp import QuantiseBehindClamp

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class DropRelu6(ModuleRewrite):
    """Vulkan's fused int8 convolutions take a ReLU with them and no ReLU6. One after each convolution dequantises,
    clamps and quantises again. Quantising saturates as well. With the bounds at the lowest and the highest integer, it
    saturates as the clamp would. q(x) = clamp(round(x / scale) + zero, low, high) grows with x. So it is enough that
    both bounds become the integers at the ends.

    The clamp is not needed, which is exact. The convolution is fused without it, and then sums integers instead of
    floats. Its roundings differ, so that the lowered program is not the same bit for bit.
    """

    name: ClassVar[str] = "drop-relu6"
    law: ClassVar[str] = "quantising saturates at the integers that the bounds of the clamp become"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.QUANTISED
    needs: ClassVar[frozenset[Scheme]] = frozenset({Scheme.STATIC8})

    def fits(self, module: GraphModule, node: Node) -> bool:
        bounds = bounds_of(node)
        return bounds is not None and bool(node.users) and all(_implies(user, bounds) for user in node.users)

    def foreseen(self, module: GraphModule) -> int:
        # A clamp is dropped where the pass that moves the quantiser behind it was.
        return QuantiseBehindClamp().foreseen(module)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        operand: Any = node.args[0]
        node.replace_all_uses_with(operand)
        module.graph.erase_node(node)


def _implies(user: Node, bounds: tuple[float, float]) -> bool:
    """Whether a user is a quantiser at whose ends both bounds arrive; rounding in single precision, as it computes."""
    import torch

    if user.target != torch.ops.quantized_decomposed.quantize_per_tensor.default:
        return False
    scale, zero, low, high = (float(value) for value in user.args[1:5])  # type: ignore[arg-type]
    inverse = torch.tensor(1.0) / torch.tensor(scale)
    first, last = (float(torch.round(torch.tensor(bound) * inverse)) + zero for bound in bounds)
    return math.isfinite(first) and first <= low and last >= high
