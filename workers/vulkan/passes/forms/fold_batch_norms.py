"""Batch norms without weights, behind convolutions that take them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.forms.norms import fill_weights, is_folded, lacks_weights

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FoldBatchNorms(ModuleRewrite):
    """ExecuTorch folds a batch norm into the convolution before it only where it has weights. Vulkan's runtime does not
    take one without: BatchNorm.cpp. With ones and zeros, `FuseBatchNormPass` folds it."""

    name: ClassVar[str] = "fold-batch-norms"
    law: ClassVar[str] = "a convolution and a scale and offset by channel are a convolution with scaled weights"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"batch-norm"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        return lacks_weights(node) and is_folded(node) and "val" in node.args[0].meta  # type: ignore[union-attr]

    def rewrite(self, module: GraphModule, node: Node) -> None:
        fill_weights(module, node)
