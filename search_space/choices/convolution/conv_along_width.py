"""A convolution of one column runs along a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.building.flat_convolution import is_flat, turn
from search_space.ir.editor import Editor
from search_space.passes.base import Pass

_WIDTH = 2


@dataclass(frozen=True)
class ConvAlongWidth(Pass):
    """Source: Ethos-U55 and U85 as Vela's cost models have them: the blocks of results that they work on are two pixels
    wide or more, so that half of each is empty in a column. What works along the width (several pixels as one, for
    instance) finds it there. The choice `conv1d` says it of a whole program, this of one convolution.
    """

    name: ClassVar[str] = "conv-along-width"
    law: ClassVar[str] = "[N,T,1,C] is the same data as [N,1,T,C], a kernel of Kx1 the same as 1xK"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return is_flat(edit, edit[node_id], _WIDTH) and turn(edit, node_id)
