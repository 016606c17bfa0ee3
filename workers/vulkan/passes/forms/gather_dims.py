"""gather along a dimension that is counted from the front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class GatherDims(ModuleRewrite):
    """Vulkan's runtime counts the dimension of a gather from the front alone: `add_gather_node` in Gather.cpp."""

    name: ClassVar[str] = "gather-dims"
    law: ClassVar[str] = "dimension -k of n is dimension n - k"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"gather-dimensions"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        dim: Any = node.args[1] if node.target == torch.ops.aten.gather.default else 0
        return isinstance(dim, int) and dim < 0 and "val" in node.meta

    def rewrite(self, module: GraphModule, node: Node) -> None:
        dim: Any = node.args[1]
        node.args = (node.args[0], dim % node.meta["val"].ndim, *node.args[2:])
