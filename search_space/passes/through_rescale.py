"""Transposes and reshapes move through RESCALE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.laws.rescale import LAWS
from search_space.motion import hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughRescale(Pass):
    """Source: TOSA 1.0, RESCALE (a per-channel multiplier belongs to the last dimension); rewrite 7 of ExecuTorch pull
    request #18167.

    up: move maps from the result to the operands instead of from the operands to the result.
    """

    name: ClassVar[str] = "through-rescale"
    law: ClassVar[str] = "rescale(map(x)) = map(rescale(x)) with each multiplier at its channel's new place"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return (hoist if self.up else sink)(edit, node_id, LAWS)
