"""Layer and batch norms with weights of one and a bias of zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.forms.norms import fill_weights, is_folded, is_group_norm, lacks_weights

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FillNormWeights(ModuleRewrite):
    """Vulkan's runtime does not take layer and batch norms without weights or bias, such as
    `nn.LayerNorm(16, elementwise_affine=False)`: NativeLayerNorm.cpp, BatchNorm.cpp. A batch norm that a convolution
    takes in is left to `fold-batch-norms`, and a group norm to `fill-group-norm-weights`. Those are then not the same
    bit for bit.
    """

    name: ClassVar[str] = "fill-norm-weights"
    law: ClassVar[str] = "a product with one and a sum with zero change no value"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"layer-norm", "batch-norm"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        return (
            lacks_weights(node) and not is_group_norm(node) and not is_folded(node) and "val" in node.args[0].meta  # type: ignore[union-attr]
        )

    def rewrite(self, module: GraphModule, node: Node) -> None:
        fill_weights(module, node)
