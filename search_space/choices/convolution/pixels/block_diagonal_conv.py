"""1x1 convolutions of pairs of pixels, with block-diagonal weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from search_space.analysis.kernels import pointwise
from search_space.analysis.uniform_constant import uniform_value
from search_space.building.convolution import result_of
from search_space.ir.dtypes import NUMPY
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node, Step, TensorType, constant, move
from search_space.layout.constants import repeated_constant
from search_space.passes.base import Pass

_TOGETHER = 2

#: Pairs are profitable for more channels than this and at most twice as many.
_FEW = 16


@dataclass(frozen=True)
class BlockDiagonalConv(Pass):
    """Computes two pixels of C channels as one of 2*C.

    Source: block matrices. The weights become a matrix of two blocks on the diagonal, and otherwise their zero point.

    Ethos-U85 takes 64 input channels of one kernel tap at a time, or 8 of 4 taps. For 17 to 32 channels Vela 5.1
    chooses the latter even for a kernel of one place. They cost twice what 34 to 64 channels do.

    That is of INT8: a convolution of wider data is no site.
    """

    name: ClassVar[str] = "block-diagonal-conv"
    law: ClassVar[str] = "a 1x1 convolution is one of pairs of pixels with block-diagonal weights"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        result = result_of(edit, node_id)
        if result is None or not pointwise(edit, node) or edit[node.inputs[0]].type.dtype != "INT8":
            return False
        data, (*spatial, out) = edit[node.inputs[0]].type, node.type.shape
        pixels, channels = prod(spatial), data.shape[3]
        if pixels % _TOGETHER or not _FEW < channels <= 2 * _FEW:
            return False
        weights = _diagonal(edit, node)
        rescale = None if result == node_id else edit[result]
        each = [*node.inputs[2:3], *(rescale.inputs[1:3] if rescale is not None else ())]
        if weights is None or not all(map(edit.is_constant, each)):
            return False
        if out == 1:  # what is repeated for every channel would be taken for one of all
            return False
        repeated = [i if edit[i].type.elements == 1 else repeated_constant(edit, i, _TOGETHER) for i in each]
        row = (1, 1, pixels // _TOGETHER, _TOGETHER * channels)
        source = edit.add(move(node.inputs[0], data, (Step("reshape", row),), node.name))
        inputs = (source, edit.add(weights), repeated[0], *node.inputs[3:])
        shape = (*row[:3], _TOGETHER * out)
        last = edit.add(replace(node, inputs=inputs, type=TensorType(shape, node.type.dtype)))
        if rescale is not None:
            inputs = (last, *repeated[1:], *rescale.inputs[3:])
            last = edit.add(replace(rescale, inputs=inputs, type=TensorType(shape, rescale.type.dtype)))
        old = edit[result]
        edit.redefine(result, move(last, edit[last].type, (Step("reshape", old.type.shape),), old.name))
        return True


def _diagonal(edit: Editor, node: Node) -> Node | None:
    """The weights of the pairs; None if they are not known."""
    weights, zero_point = edit[node.inputs[1]], uniform_value(edit, node.inputs[4])
    if weights.op != CONST or weights.type.dtype not in NUMPY or zero_point is None:
        return None
    one = weights.array
    pairs = np.full((_TOGETHER, one.shape[0], _TOGETHER, one.shape[3]), zero_point, one.dtype)
    for pixel in range(_TOGETHER):
        pairs[pixel, :, pixel] = one[:, 0, 0]
    return constant(pairs.reshape(_TOGETHER * one.shape[0], 1, 1, -1), weights.type.dtype, weights.name)
