"""Weights that are computed from constants alone, of layers before a batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.weights.fold_weights import FoldWeights


@dataclass(frozen=True)
class FoldNormedWeights(FoldWeights):
    """As `fold-weights`. ExecuTorch then folds the batch norm into the layer too, which rounds otherwise."""

    name: ClassVar[str] = "fold-normed-weights"
    law: ClassVar[str] = "a layer with constant weights, and a scale by channel, are the layer with scaled weights"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    before_norm: ClassVar[bool] = True
