"""Strided convolutions as convolutions without stride on blocks of pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np

from search_space.analysis.kernels import dense_weights
from search_space.analysis.uniform_constant import uniform_value
from search_space.building.convolution import MOST_CHANNELS, MOST_STRIDE, padded
from search_space.building.folded_pad import with_folded_pad
from search_space.building.rounding import round_up
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, constant, move
from search_space.ir.layout_map import LayoutMap
from search_space.layout.emission import plan
from search_space.passes.base import Pass

_BRICK = 16


@dataclass(frozen=True)
class _Axis:
    """One spatial axis of a convolution without stride, on blocks of `block` pixels.

    Attributes:
        blocks: of the data, which needs `missing` more pixels at its end for that.
        kernel: in blocks; its first pixel is number `first` of its first block.
        before, after: padding in blocks.
    """

    block: int
    blocks: int
    missing: int
    kernel: int
    first: int
    before: int
    after: int


@dataclass(frozen=True)
class SpaceToDepth(Pass):
    """Makes the pixels of a block channels, so that a convolution needs no stride.

    Source: space-to-depth, as for TPU image stems. With stride s, output o reads pixels s*o + k - pad. Pixel s*q + r is
    channel r of block q, so the output reads blocks o + j - pad/s. That is a kernel without stride, padded with the
    weights' zero point to whole blocks.

    An audio front end has one input channel of a brick of 16. Vela 5.1 splits strides above 3 into an operation for
    each output position. Blocks of a row, or of a column of width 1, are a reshape. Rows of an image have to be
    transposed into one block. That is done where Vela would split the convolution. The pass does not apply where the
    blocks' channels fill bricks no better than the pixels' do.

    A PAD before the convolution is folded in. With whole blocks the convolution can pad itself, even where Vela refuses
    it with the stride.

    Attributes:
        transpose_rows: also transpose rows where Vela would not split the convolution.
    """

    name: ClassVar[str] = "space-to-depth"
    law: ClassVar[str] = "a convolution with stride s is one without stride whose input channels are blocks of s pixels"

    transpose_rows: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        kernel = dense_weights(edit, node)
        if kernel is None or node.attributes["dilation"] != (1, 1):
            return False
        node = with_folded_pad(edit, node) or node
        data, result = edit[node.inputs[0]].type, node.type.shape
        pad, stride = node.attributes["pad"], node.attributes["stride"]
        moved = self.transpose_rows or stride[0] > MOST_STRIDE or data.shape[2] == 1
        blocks = (stride[0] if moved else 1, stride[1])
        height, width = (
            _axis(data.shape[1 + d], kernel.shape[1 + d], blocks[d], pad[2 * d], (result[1 + d] - 1) * stride[d])
            for d in (0, 1)
        )
        if height.block * width.block == 1 or not _fills(node, kernel, (height, width)):
            return False
        zero_point = uniform_value(edit, node.inputs[4])
        padding = ((0, 0), (0, height.missing), (0, width.missing), (0, 0))
        whole = padded(edit, node.inputs[0], padding, node.inputs[3])
        if zero_point is None or whole is None:
            return False
        channels = height.block * width.block * data.shape[3]
        shape = (data.shape[0], height.blocks, width.blocks, channels)
        atoms = (data.shape[0], height.blocks, height.block, width.blocks, width.block, data.shape[3])
        layout = LayoutMap.of(edit[whole].type.shape, shape, atoms, (0, 1, 3, 2, 4, 5))
        steps = plan(layout)
        moved = edit.add(move(whole, edit[whole].type, steps)) if steps else whole
        weights = edit.add(constant(_weights(kernel, (height, width), zero_point), name=edit[node.inputs[1]].name))
        attributes: dict[str, Any] = {
            **node.attributes,
            "pad": (height.before, height.after, width.before, width.after),
            "stride": (stride[0] // height.block, stride[1] // width.block),
        }
        inputs = (moved, weights, *node.inputs[2:])
        edit.redefine(node_id, replace(node, op="CONV2D", inputs=inputs, attributes=attributes))
        return True


def _axis(size: int, kernel: int, block: int, pad: int, last: int) -> _Axis:
    """last: where the last position of the window starts, from the first one."""
    before = -(-pad // block)
    first = before * block - pad
    blocks = -(-size // block)
    blocked = -(-(first + kernel) // block)
    return _Axis(
        block=block, blocks=blocks, missing=blocks * block - size, kernel=blocked, first=first, before=before,
        after=last // block + blocked - before - blocks,
    )  # fmt: skip


def _fills(node: Node, kernel: np.ndarray, axes: tuple[_Axis, _Axis]) -> bool:
    """Whether no more is multiplied, or Vela would split the convolution."""
    channels = kernel.shape[3] * prod(axis.block for axis in axes)
    if channels > MOST_CHANNELS:
        return False
    if any(s > MOST_STRIDE and axis.block > 1 for s, axis in zip(node.attributes["stride"], axes, strict=True)):
        return True
    before = prod(kernel.shape[1:3]) * round_up(kernel.shape[3], _BRICK)
    return prod(axis.kernel for axis in axes) * round_up(channels, _BRICK) <= before


def _weights(kernel: np.ndarray, axes: tuple[_Axis, _Axis], zero_point: int) -> np.ndarray:
    height, width = axes
    (out, rows, columns, channels) = kernel.shape
    filled = np.full(
        (out, height.kernel * height.block, width.kernel * width.block, channels), zero_point, kernel.dtype
    )
    filled[:, height.first : height.first + rows, width.first : width.first + columns] = kernel
    parts = filled.reshape(out, height.kernel, height.block, width.kernel, width.block, channels)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(out, height.kernel, width.kernel, -1)
