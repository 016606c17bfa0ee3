"""Squares become products, which are quantised; `pow` stays in float and costs many times as much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.passes.base import FloatRewrite
from workers.cortex_m.passes.calls import call

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class SquareAsProduct(FloatRewrite):
    """Replaces `pow(x, 2)` by `mul(x, x)`."""

    name: ClassVar[str] = "square-as-product"
    law: ClassVar[str] = (
        "the square of a value is its product with itself; int8 kernels round the product, and float rounded the square"
    )

    def fits(self, node: Node) -> bool:
        import torch

        return node.target is torch.ops.aten.pow.Tensor_Scalar and bool(node.args[1] == 2)

    def rewrite(self, node: Node) -> None:
        import torch

        with node.graph.inserting_before(node):
            product = call(node, torch.ops.aten.mul.Tensor, node.args[0], node.args[0])
        node.replace_all_uses_with(product)
        node.graph.erase_node(node)
