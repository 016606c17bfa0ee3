"""Convolutions of one value that are concatenated along their channels, as one convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

import numpy as np

from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType
from search_space.passes.base import Pass

#: Operands with an entry for each output channel: of the convolution, and of its RESCALE.
_OF_CONVOLUTION, _OF_RESCALE = (1, 2), (1, 2)


@dataclass(frozen=True)
class FuseParallelConvs(Pass):
    """Fuses convolutions of one value whose results are concatenated along the channels.

    Source: TOSA 1.0, CONV2D: an output channel depends on its own weights and bias. Branches of a network that begin
    with convolutions of one size read the same pixels. Fused, they read them once, and fill the blocks of channels that
    each leaves half empty.

    The convolutions must have one kernel size and stride, and their RESCALEs the same zero points. Multipliers may
    differ.
    """

    name: ClassVar[str] = "fuse-parallel-convs"
    law: ClassVar[str] = "convolutions of one value, joined along their channels, are one with their weights joined"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONCAT" or node.attributes["axis"] != len(node.type.shape) - 1:
            return False
        operands: list[int] = []
        for key, run in groupby(node.inputs, lambda i: _kind(edit, i, node_id)):
            same = list(run)
            operands += same if key is None or len(same) < 2 else [_merged(edit, same)]
        if len(operands) == len(node.inputs):
            return False
        if len(operands) == 1:
            edit.replace_uses(node_id, operands[0])
        else:
            edit.redefine(node_id, replace(node, inputs=tuple(operands)))
        return True


def _kind(edit: Editor, value: int, reader: int) -> tuple[object, ...] | None:
    """The properties that two convolutions must share to be fused; None for other operators and for shared values."""
    rescale = edit[value]
    if rescale.op != "RESCALE" or not edit.used_once(value) or not edit.used_once(rescale.inputs[0]):
        return None
    convolution = edit[rescale.inputs[0]]
    constants = [*rescale.inputs[1:], *convolution.inputs[1:]]
    if convolution.op != "CONV2D" or not all(map(edit.is_constant, constants)):
        return None
    if edit[convolution.inputs[1]].type.dtype != "INT8":
        return None
    shared = [edit[i] for i in (*rescale.inputs[3:], *convolution.inputs[3:])]
    return (
        convolution.inputs[0],
        tuple(sorted(convolution.attributes.items())),
        edit[convolution.inputs[1]].type.shape[1:],
        tuple(sorted({**rescale.attributes, "per_channel": True}.items())),
        tuple((one.type, one.payload) for one in shared),
    )


def _merged(edit: Editor, values: Sequence[int]) -> int:
    """The RESCALE of the convolution that gives all of their channels."""
    rescales = [edit[i] for i in values]
    convolutions = [edit[one.inputs[0]] for one in rescales]
    channels = [one.type.shape[-1] for one in rescales]
    convolution = _joined(edit, convolutions, channels, _OF_CONVOLUTION)
    rescale = _joined(edit, rescales, channels, _OF_RESCALE)
    inputs = (edit.add(convolution), *rescale.inputs[1:])
    return edit.add(replace(rescale, inputs=inputs, attributes={**rescale.attributes, "per_channel": True}))


def _joined(edit: Editor, nodes: Sequence[Node], channels: Sequence[int], positions: Sequence[int]) -> Node:
    """One operator with all channels. Its operands at `positions` have an entry for each channel, or one for all."""
    inputs = list(nodes[0].inputs)
    for position in positions:
        parts = [edit[one.inputs[position]] for one in nodes]
        entries = [_entries(part, count) for part, count in zip(parts, channels, strict=True)]
        tensor = TensorType((sum(channels), *parts[0].type.shape[1:]), parts[0].type.dtype)
        inputs[position] = edit.add(Node(parts[0].op, (), tensor, payload=b"".join(entries), name=parts[0].name))
    shape = (*nodes[0].type.shape[:-1], sum(channels))
    return replace(nodes[0], inputs=tuple(inputs), type=TensorType(shape, nodes[0].type.dtype))


def _entries(part: Node, channels: int) -> bytes:
    size = len(part.payload) // part.type.shape[0]
    values = np.frombuffer(part.payload, np.uint8, count=size * part.type.shape[0])
    return np.broadcast_to(values.reshape(-1, size), (channels, size)).tobytes()
