"""A workaround for Vela: convolutions that it would take for others with equal weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.building.miscompiled.shared_weights import separate
from search_space.ir.editor import Editor
from search_space.passes.base import Pass


@dataclass(frozen=True)
class SeparateSharedWeights(Pass):
    """Source: TOSA 1.0, CONV2D and RESCALE. Vela 5.1.0 and 5.2.0 find encoded weights again by their bytes, without
    their zero point. They find biases again by the weights and the scales
    (`search_space.building.miscompiled.shared_weights`). Other bytes for the same weights or scales keep apart what
    differs. Scales are tried first: weights that are encoded apart are stored twice.
    """

    name: ClassVar[str] = "separate-shared-weights"
    law: ClassVar[str] = "weights and their zero point may move together, and a scale may be written for each channel"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return separate(edit, node_id)
