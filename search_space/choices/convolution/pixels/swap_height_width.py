"""Convolutions and pools over tall data, run over wide data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.analysis.kernels import KERNEL_AXIS, kernel_size
from search_space.building.convolution import reshaped, result_of
from search_space.ir.dtypes import IMMOVABLE
from search_space.ir.editor import Editor
from search_space.ir.graph import move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.constants import swapped_constant
from search_space.layout.emission import plan
from search_space.layout.rules.windows import swapped_attributes
from search_space.passes.base import Pass

_TURN = (0, 2, 1, 3)
_POOLS = ("AVG_POOL2D", "MAX_POOL2D")


@dataclass(frozen=True)
class SwapHeightWidth(Pass):
    """Swaps height and width of a convolution or pool on tall data.

    Source: a window may have either of its two dimensions as the height. The NPU fills its blocks along the width
    first. So 25 rows of 5 pixels leave more of them empty than 5 rows of 25.

    The data are transposed for it; of a single row or column that is a reshape. Between layers that are both swapped
    the transposes cancel (`sink-transposes` moves them through the operators in between).
    """

    name: ClassVar[str] = "swap-height-width"
    law: ClassVar[str] = "a window over height and width is one over width and height of the transposed data"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        height, width = node.type.shape[1:3] if len(node.type.shape) == 4 else (1, 1)
        pool = node.op in _POOLS and node.type.dtype not in IMMOVABLE
        result = node_id if pool else (None if kernel_size(edit, node) is None else result_of(edit, node_id))
        if height <= width or result is None or edit[node.inputs[0]].type.dtype in IMMOVABLE:
            return False
        inputs = [_turned(edit, node.inputs[0]), *node.inputs[1:]]
        if not pool:
            if edit[inputs[1]].type.dtype in IMMOVABLE:
                return False
            inputs[1] = swapped_constant(edit, inputs[1], KERNEL_AXIS[node.op])
        turned = replace(node, inputs=tuple(inputs), attributes=swapped_attributes(node.attributes))
        last = reshaped(edit, node_id, result, turned, _swapped(node.type.shape))
        back = plan(LayoutMap.transpose(edit[last].type.shape, _TURN))
        edit.redefine(result, move(last, edit[last].type, back, edit[result].name))
        return True


def _swapped(shape: Shape) -> Shape:
    return tuple(shape[d] for d in _TURN)


def _turned(edit: Editor, value: int) -> int:
    node = edit[value]
    steps = plan(LayoutMap.transpose(node.type.shape, _TURN))
    return edit.add(move(value, node.type, steps, node.name)) if steps else value
