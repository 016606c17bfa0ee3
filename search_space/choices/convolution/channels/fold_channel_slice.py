"""Folding of a SLICE of channels into a convolution's weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.editor import Editor
from search_space.ir.graph import constant
from search_space.passes.base import Pass

#: The NPU reads channels by bricks of 16; and the largest factor by which more channels may be read than before.
_BRICK, _MOST_TIMES = 16, 4


@dataclass(frozen=True)
class FoldChannelSlice(Pass):
    """Reads all channels with zero weights, instead of slicing some of them out.

    Source: TOSA 1.0, CONV2D and SLICE. A grouped convolution is lowered as a convolution of a SLICE. So is one of some
    channels of a split. Vela 5.1 copies the SLICE in many cases. Where there are few channels, the products with zeros
    take no time, since the output unit is slower.
    """

    name: ClassVar[str] = "fold-channel-slice"
    law: ClassVar[str] = "a convolution of some channels is one of all channels with zeros for the others"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONV2D" or not all(map(edit.is_constant, node.inputs[1:])):
            return False
        part, weights = edit[node.inputs[0]], edit[node.inputs[1]]
        empty = uniform_value(edit, node.inputs[4])
        if part.op != "SLICE" or weights.type.dtype != "INT8" or empty is None:
            return False
        whole = edit[part.inputs[0]].type.shape
        if len(whole) != 4 or part.type.shape[:3] != whole[:3]:
            return False
        first, count = part.attributes["start"][3], part.type.shape[3]
        if whole[3] > _MOST_TIMES * max(count, _BRICK):
            return False
        filled = np.full((*weights.type.shape[:3], whole[3]), empty, np.int8)
        filled[..., first : first + count] = weights.array
        inputs = (part.inputs[0], edit.add(constant(filled, name=weights.name)), *node.inputs[2:])
        edit.redefine(node_id, replace(node, inputs=inputs))
        return True
