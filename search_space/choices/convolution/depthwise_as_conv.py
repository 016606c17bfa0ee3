"""Depthwise convolutions of few channels as full convolutions with a diagonal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.passes.base import Pass

#: Channels of a full convolution that take no longer than one; and the number of convolutions that one may become.
_CHANNELS, _MOST_GROUPS = 8, 24


@dataclass(frozen=True)
class DepthwiseAsConv(Pass):
    """Replaces a depthwise convolution by a full one with zeros for the other channels.

    Source: TOSA 1.0, CONV2D and DEPTHWISE_CONV2D; Ethos-U85 in Vela 5.1's cost model. A depthwise convolution is
    computed by 16 channels at a time. A full one is computed by 8 input and 8 output channels. Where at most two of
    four consecutive weights are not zero, it takes half the time.

    The NPU has no depthwise convolution with several results for each channel: Vela 5.1 makes one for each of them and
    interleaves their channels, one by one. One channel is left alone: Vela recognises by itself that such a convolution
    is both.

    Attributes:
        grouped: also with more than 8 channels: 8 at a time, from a SLICE each, into a CONCAT. This is profitable with
            large kernels.
    """

    name: ClassVar[str] = "depthwise-as-conv"
    law: ClassVar[str] = "a depthwise convolution is a full one with zeros for the other channels"

    grouped: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op == "RESCALE" and self.grouped:
            return _grouped(edit, node_id)
        if not _is_depthwise(edit, node):
            return False
        channels = edit[node.inputs[1]].type.shape[2]
        if not 1 < channels <= _CHANNELS:
            return False
        inputs = (node.inputs[0], _diagonal(edit, node, 0, channels), *node.inputs[2:])
        edit.redefine(node_id, replace(node, op="CONV2D", inputs=inputs))
        return True


def _is_depthwise(edit: Editor, node: Node) -> bool:
    return (
        node.op == "DEPTHWISE_CONV2D"
        and all(map(edit.is_constant, node.inputs[1:]))
        and edit[node.inputs[0]].type.dtype == edit[node.inputs[1]].type.dtype == "INT8"
        and uniform_value(edit, node.inputs[4]) is not None
    )


def _diagonal(edit: Editor, node: Node, first: int, count: int) -> int:
    """The weights of a full convolution of some channels, [OC,KH,KW,IC]."""
    weights = edit[node.inputs[1]]
    height, width, _, times = weights.type.shape
    full = np.full((count, times, height, width, count), uniform_value(edit, node.inputs[4]), np.int8)
    for channel in range(count):
        full[channel, :, :, :, channel] = weights.array[:, :, first + channel].transpose(2, 0, 1)
    return edit.add(constant(full.reshape(count * times, height, width, count), name=weights.name))


def _grouped(edit: Editor, node_id: int) -> bool:
    rescale = edit[node_id]
    node = edit[rescale.inputs[0]]
    if not edit.used_once(rescale.inputs[0]) or not _is_depthwise(edit, node):
        return False
    data = edit[node.inputs[0]].type
    channels = data.shape[3]
    parameters = (node.inputs[2], *rescale.inputs[1:3])
    times = node.type.shape[3] // channels
    if not _CHANNELS < channels <= _CHANNELS * _MOST_GROUPS:
        return False
    if not all(map(edit.is_constant, rescale.inputs[1:])):
        return False
    parts = []
    for first in range(0, channels, _CHANNELS):
        count = min(_CHANNELS, channels - first)
        size = (*data.shape[:3], count)
        taken = {"start": (0, 0, 0, first), "size": size}
        part = edit.add(Node("SLICE", (node.inputs[0],), TensorType(size, data.dtype), taken, name=node.name))
        bias, *scales = (_some(edit, one, first * times, count * times) for one in parameters)
        result = (*node.type.shape[:3], count * times)
        sums = edit.add(
            replace(
                node, op="CONV2D", inputs=(part, _diagonal(edit, node, first, count), bias, *node.inputs[3:]),
                type=TensorType(result, node.type.dtype),
            )
        )  # fmt: skip
        after = TensorType(result, rescale.type.dtype)
        parts.append(edit.add(replace(rescale, inputs=(sums, *scales, *rescale.inputs[3:]), type=after)))
    edit.redefine(node_id, Node("CONCAT", tuple(parts), rescale.type, {"axis": 3}, name=rescale.name))
    return True


def _some(edit: Editor, parameter: int, first: int, count: int) -> int:
    """The id of a per-channel constant's entries for some channels. A constant for all channels stays."""
    node = edit[parameter]
    if node.type.elements == 1:
        return parameter
    return edit.add(constant(node.array[first : first + count], node.type.dtype, node.name))
