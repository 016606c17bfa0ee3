"""Pooling that names its stride."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class NamePoolStrides(ModuleRewrite):
    """`F.max_pool2d(x, 2)` and `F.avg_pool2d(x, 2)` export an empty list of strides, of which Vulkan's runtime makes a
    vector of two: KernelUtils.cpp, `create_kernel2d_params`. `nn.MaxPool2d(2)` names it."""

    name: ClassVar[str] = "name-pool-strides"
    law: ClassVar[str] = "a pooling that names no stride moves by its kernel"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"pool-stride"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        aten = torch.ops.aten
        pools = (aten.max_pool2d.default, aten.max_pool2d_with_indices.default, aten.avg_pool2d.default)
        return node.target in pools and (len(node.args) < 3 or not node.args[2])

    def rewrite(self, module: GraphModule, node: Node) -> None:
        kernel: Any = node.args[1]
        stride = list(kernel) if len(kernel) == 2 else list(kernel) * 2
        node.args = (*node.args[:2], stride, *node.args[3:])
