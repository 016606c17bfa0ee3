"""Transposes and reshapes move through operators that treat every element alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.editor import Editor
from search_space.laws.elementwise import LAWS
from search_space.motion import hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class ThroughElementwise(Pass):
    """Source: TOSA 1.0, elementwise operators; rewrite 6 of ExecuTorch pull request #18167.

    up: move maps from the result to the operands instead of from the operands to the result.
    """

    name: ClassVar[str] = "through-elementwise"
    law: ClassVar[str] = "f(map(x), map(y)) = map(f(x, y)) for every f that treats all elements alike"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return (hoist if self.up else sink)(edit, node_id, LAWS)
