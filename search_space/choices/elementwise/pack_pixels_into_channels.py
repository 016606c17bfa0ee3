"""Elementwise operators on several pixels as one with more channels, which fill whole bricks of 16."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd, prod
from typing import ClassVar

import numpy as np

from search_space.ir.dtypes import IMMOVABLE, NUMPY
from search_space.ir.editor import Editor
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import MOVE, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.layout.rules.base import ACCUMULATING
from search_space.passes.base import Pass

_BRICK = 16


@dataclass(frozen=True)
class PackPixelsIntoChannels(Pass):
    """Reshapes the data of an elementwise operator so that its channels fill whole bricks.

    Source: the NPU works on channels by bricks of 16 (Ethos-U55/U65/U85 technical reference manuals, NHCWB16). Of 24
    channels a quarter of two bricks is empty. Two pixels of 24 channels are one of 48. A constant with a value for each
    channel is repeated.

    The RESCALE of a convolution stays with it, since Vela fuses the two. One that widens stays with its readers. Packed
    without them, its operand would be stored beyond its tensor (brick-padding in docs/vela-miscompilations.md).
    """

    name: ClassVar[str] = "pack-pixels-into-channels"
    law: ClassVar[str] = "an elementwise operator on k pixels of C channels is one on a pixel of k*C channels"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        shape = node.type.shape
        if not shape or shape[-1] % _BRICK == 0 or node.type.dtype in IMMOVABLE:
            return False
        pixels, times = prod(shape[:-1]), _BRICK // gcd(_BRICK, shape[-1])
        count = 1 if node.op == "RESCALE" else DATA_OPERANDS.get(node.op, 0)
        if pixels % times or not count or edit[node.inputs[0]].op in ACCUMULATING:
            return False
        if node.op == "RESCALE" and (node.attributes["per_channel"] or _widens(edit, node)):
            return False
        filled = (1, pixels // times, times * shape[-1])
        operands = [self._filled(edit, i, shape, filled, times) for i in node.inputs[:count]]
        if any(one is None for one in operands):
            return False
        data = [one if isinstance(one, int) else edit.add(one) for one in operands if one is not None]
        after = TensorType(filled, node.type.dtype)
        last = edit.add(replace(node, inputs=(*data, *node.inputs[count:]), type=after))
        edit.redefine(node_id, move(last, after, (Step("reshape", shape),), node.name))
        return True

    def _filled(self, edit: Editor, operand: int, shape: Shape, filled: Shape, times: int) -> int | Node | None:
        """The operand as the wider operator reads it; None if that takes more than a reshape."""
        node = edit[operand]
        if node.type.dtype in IMMOVABLE:
            return None
        if node.type.shape == shape:
            return move(operand, node.type, (Step("reshape", filled),), node.name)
        if node.type.elements == 1:
            return move(operand, node.type, (Step("reshape", (1, 1, 1)),), node.name)
        if node.type.shape[-1] == shape[-1] == node.type.elements:
            return self._repeated(edit, operand, times)
        return None

    def _repeated(self, edit: Editor, operand: int, times: int) -> Node | None:
        """A value for each channel, for the channels of several pixels. It is that of a constant, or of one that is
        rescaled and reshaped in between."""
        node = edit[operand]
        while node.op == MOVE and node.layout_map.keeps_order:
            operand = node.inputs[0]
            node = edit[operand]
        if edit.is_constant(operand):
            if node.type.dtype not in NUMPY:
                return None
            return constant(np.tile(node.array.ravel(), times).reshape(1, 1, -1), node.type.dtype, node.name)
        if node.op != "RESCALE" or node.attributes["per_channel"] or not edit.is_constant(node.inputs[0]):
            return None
        values = self._repeated(edit, node.inputs[0], times)
        if values is None:
            return None
        return replace(
            node, inputs=(edit.add(values), *node.inputs[1:]), type=TensorType(values.type.shape, node.type.dtype)
        )


def _widens(edit: Editor, node: Node) -> bool:
    """Whether a RESCALE gives wider numbers, which Vela makes part of the operation that reads them."""
    source = edit[node.inputs[0]].type.dtype
    return source not in IMMOVABLE and NUMPY[node.type.dtype].itemsize > NUMPY[source].itemsize
