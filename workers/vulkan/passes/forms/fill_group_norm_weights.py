"""Group norms with weights of one and a bias of zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.forms.norms import fill_weights, is_group_norm, lacks_weights

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FillGroupNormWeights(ModuleRewrite):
    """Vulkan's runtime does not take group norms without weights or bias, such as `nn.GroupNorm(2, 4, affine=False)`:
    GroupNorm.cpp. PyTorch computes x * scale + bias where there are weights and (x - mean) * scale where there are
    none. So the last bits differ.
    """

    name: ClassVar[str] = "fill-group-norm-weights"
    law: ClassVar[str] = "a product with one and a sum with zero change no real number"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"group-norm"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        return is_group_norm(node) and lacks_weights(node) and "val" in node.args[0].meta  # type: ignore[union-attr]

    def rewrite(self, module: GraphModule, node: Node) -> None:
        fill_weights(module, node)
