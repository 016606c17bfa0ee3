"""1-D convolutions along the height run along the width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.building.flat_convolution import is_one_dimensional, swap_axes
from search_space.ir.editor import Editor
from search_space.passes.base import Pass

_WIDTH = 2


@dataclass(frozen=True)
class ConvAlongWidth(Pass):
    """Runs a convolution over one column along a row.

    Source: Ethos-U55 and U85 in Vela's cost models. Their blocks of results are two pixels wide or more. So half of
    each block is empty in a column. Passes that work along the width, such as those that treat several pixels as one,
    then apply. The choice `conv1d` does the same for a whole program, this pass for one convolution.
    """

    name: ClassVar[str] = "conv-along-width"
    law: ClassVar[str] = "[N,T,1,C] is the same data as [N,1,T,C], a kernel of Kx1 the same as 1xK"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return is_one_dimensional(edit, edit[node_id], _WIDTH) and swap_axes(edit, node_id)
