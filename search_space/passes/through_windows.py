"""Transposes and reshapes move through pooling, RESIZE and convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.laws.windows import LAWS
from search_space.motion import hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughWindows(Pass):
    """Source: TOSA 1.0, AVG_POOL2D, MAX_POOL2D, RESIZE, CONV2D and DEPTHWISE_CONV2D.

    up: move maps from the result to the operands instead of from the operands to the result.
    """

    name: ClassVar[str] = "through-windows"
    law: ClassVar[str] = "a window takes every channel alike, and height and width can change places if the window's do"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return (hoist if self.up else sink)(edit, node_id, LAWS)
