"""Weights that are computed from constants alone, of layers before a batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.factors.fold_weights import FoldWeights, feeds_batch_norm, is_folded_weight

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FoldNormedWeights(FoldWeights):
    """As `fold-weights`. ExecuTorch then folds the batch norm into the layer too, which rounds otherwise."""

    name: ClassVar[str] = "fold-normed-weights"
    law: ClassVar[str] = "a layer with constant weights, and a scale by channel, are the layer with scaled weights"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING

    def fits(self, module: GraphModule, node: Node) -> bool:
        return is_folded_weight(module, node) and feeds_batch_norm(node)
