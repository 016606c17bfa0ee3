"""Matrix products with a constant as convolutions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.building.fused_rescale import rescale_of
from search_space.building.new_convolution import convolved
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, move
from search_space.passes.base import Pass

_TURN = Step("transpose", (0, 2, 1))


@dataclass(frozen=True)
class MatmulAsConv(Pass):
    """Replaces a matrix product with a constant by a 1x1 convolution.

    Source: TOSA 1.0, MATMUL and CONV2D. Both subtract zero points and sum in INT32, over an operand's columns or over
    channels. Ethos-U55 and U65 have convolutions only, and weights need no transpose.

    The constant may be either operand. Batches of products are no site (`split-batch-matmul` makes single ones).

    The RESCALE of a product stays with it, since Vela fuses the two.
    """

    name: ClassVar[str] = "matmul-as-conv"
    law: ClassVar[str] = "a matrix product with a constant is a 1x1 convolution of rows as pixels"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "MATMUL" or node.type.shape[0] != 1:
            return False
        first, second, *zero_points = node.inputs
        turned = not edit.is_constant(second)
        fixed, fixed_zero = (first, zero_points[0]) if turned else (second, zero_points[1])
        data, data_zero = (second, zero_points[1]) if turned else (first, zero_points[0])
        if any(edit[i].type.dtype != "INT8" for i in (first, second)):
            return False
        if not edit.is_constant(fixed):
            return False
        last = node_id
        rescale = rescale_of(edit, node_id)
        if rescale is not None and not (turned and edit[rescale].attributes["per_channel"]):
            last = rescale
        _, inner, columns = edit[second].type.shape
        pixels, channels = (columns, node.type.shape[1]) if turned else (node.type.shape[1], columns)
        steps = (Step("reshape", (1, 1, pixels, inner)),)
        source = edit.add(move(data, edit[data].type, (_TURN, *steps) if turned else steps, node.name))
        zeros = np.zeros(1, np.int32)
        value = convolved(edit, source, _weights(edit[fixed], turned), zeros, (data_zero, fixed_zero), name=node.name)
        after = edit[value].type
        if last != node_id:
            after = TensorType(after.shape, edit[last].type.dtype)
            value = edit.add(replace(edit[last], inputs=(value, *edit[last].inputs[1:]), type=after))
        back = (Step("reshape", (1, pixels, channels)), *((_TURN,) if turned else ()))
        edit.redefine(last, move(value, after, back, edit[last].name))
        return True


def _weights(fixed: Node, turned: bool) -> np.ndarray:
    """[output channels, 1, 1, input channels]"""
    matrix = fixed.array[0] if turned else fixed.array[0].T
    return matrix[:, None, None, :]
