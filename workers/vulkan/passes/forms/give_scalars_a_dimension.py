"""Operators of two values without dimensions as those of rows of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Names of operators of PyTorch that become operators of two tensors.
_BINARY = (
    "add.Tensor", "sub.Tensor", "rsub.Scalar", "mul.Tensor", "div.Tensor", "pow.Tensor_Tensor", "minimum.default",
    "eq.Tensor", "lt.Tensor", "le.Tensor", "gt.Tensor", "ge.Tensor",
)  # fmt: skip


@dataclass(frozen=True)
class GiveScalarsADimension(ModuleRewrite):
    """Vulkan's runtime aborts where both operands have no dimensions: `calculate_broadcasted_output_size` in
    TensorUtils.cpp."""

    name: ClassVar[str] = "give-scalars-a-dimension"
    law: ClassVar[str] = "x + y = reshape(reshape(x, [1]) + reshape(y, [1]), []) for numbers x and y"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"scalar-results"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        named = str(node.target).removeprefix("aten.")
        return named in _BINARY and not node.kwargs and "val" in node.meta and node.meta["val"].ndim == 0

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch
        from torch.fx import Node

        reshape = torch.ops.aten.reshape.default
        with replacing(module, node) as new:
            operands: list[Any] = [new.call(reshape, one, [1]) if isinstance(one, Node) else one for one in node.args]
            new.call(reshape, new.call(node.target, *operands), [])
