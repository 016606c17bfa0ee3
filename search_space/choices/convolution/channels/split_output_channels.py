"""Convolutions whose output channels are transposed apart, as one convolution for each group of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from search_space.analysis.kernels import pointwise
from search_space.building.channel_slice import conv_chain_to, copy_of_channels
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, Step, TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.passes.base import Pass

#: Most convolutions that one may become.
_MOST_GROUPS = 16


@dataclass(frozen=True)
class SplitOutputChannels(Pass):
    """Computes groups of output channels by convolutions of their own, instead of transposing them apart.

    Source: TOSA 1.0, CONV2D: an output channel depends on its own weights and bias. The head of a detector returns all
    anchors of a place as its channels. A transpose makes all places of an anchor follow each other. A linear returns
    all heads of attention, which become a batch. Each group by itself is in order. Vela 5.1 writes results to their
    place in a CONCAT of four dimensions.

    1x1 convolutions see the pixels as a row. So the results of images of different sizes can be joined further, in
    place. Others are joined along their height, which requires one batch.
    """

    name: ClassVar[str] = "split-output-channels"
    law: ClassVar[str] = "groups of a convolution's output channels are a CONCAT of one convolution for each group"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.type.dtype not in ("INT8", "INT16") or not edit.used_once(node.inputs[0]):
            return False
        groups = _groups(node.layout_map)
        chain = conv_chain_to(edit, node.inputs[0]) if groups else []
        if not chain:
            return False
        (batch, *spatial, _), convolution = edit[node.inputs[0]].type.shape, edit[chain[0]]
        if pointwise(edit, convolution):
            pixels, axis = (1, 1, batch * prod(spatial)), 2
            data = edit[convolution.inputs[0]].type
            seen = Step("reshape", (*pixels, data.shape[-1]))
            row = edit.add(move(convolution.inputs[0], data, (seen,), convolution.name))
        elif batch == 1 and len(spatial) == 2:
            pixels, axis, row = (1, spatial[0], spatial[1]), 1, None
        else:
            return False
        parts = [copy_of_channels(edit, chain, group, row) for group in groups]
        shape = (*pixels[:axis], len(parts) * pixels[axis], *pixels[axis + 1 :], len(groups[0]))
        joined = Node("CONCAT", tuple(parts), TensorType(shape, node.type.dtype), {"axis": axis}, name=node.name)
        edit.redefine(node_id, move(edit.add(joined), joined.type, (Step("reshape", node.type.shape),), node.name))
        return True


def _groups(layout: LayoutMap) -> list[Shape]:
    """The channels of each group, where a map puts groups of them first and keeps the order of the rest. Empty where it
    does something else, or nothing."""
    pieces = layout.pieces
    if pieces is None or layout.keeps_order:
        return []
    first, *rest = (atom for group in pieces.of_outputs for atom in group)
    channels = pieces.of_inputs[-1]
    if first not in channels or rest != sorted(rest) or pieces.atoms[first] > _MOST_GROUPS:
        return []
    sizes = [pieces.atoms[atom] for atom in channels]
    numbers = np.moveaxis(np.arange(prod(sizes)).reshape(sizes), channels.index(first), 0)
    return [tuple(group.ravel().tolist()) for group in numbers]
