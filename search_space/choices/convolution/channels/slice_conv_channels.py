"""Convolutions whose output channels are sliced, as one convolution for each slice."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from search_space.building.channel_slice import conv_chain_to, copy_of_channels
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, move
from search_space.ir.layout_map import LayoutMap
from search_space.layout.emission import plan
from search_space.passes.base import Pass


@dataclass(frozen=True)
class Part:
    """One slice of the channels.

    Attributes:
        slice_id: id of the SLICE.
        channels: of the convolution.
        layout: the map from these channels to the slice's result.
    """

    slice_id: int
    channels: tuple[int, ...]
    layout: LayoutMap


@dataclass(frozen=True)
class SliceConvChannels(Pass):
    """Slices the weights of a convolution instead of its output channels.

    Source: TOSA 1.0, CONV2D: an output channel depends on its own weights and bias. Attention computes Q, K and V as
    one linear and slices them apart. Computed separately they need no slicing, and each is transposed, or not, as its
    own reader requires.

    A site is the value that the slices read. No channel may be in two slices, and no other operator may read the value.
    """

    name: ClassVar[str] = "slice-conv-channels"
    law: ClassVar[str] = "a slice of a convolution's channels is the convolution by that slice of the weights"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        chain = conv_chain_to(edit, node_id)
        parts = _parts(edit, node_id) if chain else []
        taken = [channel for part in parts for channel in part.channels]
        if len(parts) < 2 or len(set(taken)) < len(taken):
            return False
        for part in parts:
            value = copy_of_channels(edit, chain, part.channels)
            node = edit[part.slice_id]
            steps = plan(part.layout)
            if steps:
                edit.redefine(part.slice_id, move(value, edit[value].type, steps, node.name))
            else:
                edit.replace_uses(part.slice_id, value)
        return True


def _parts(edit: Editor, value: int) -> list[Part]:
    """The slice that each reader takes; empty unless all readers are slices of channels."""
    if edit.is_output(value):
        return []
    parts = []
    shape = edit[value].type.shape
    for reader in edit.users(value):
        node = edit[reader]
        moved = node.op == MOVE
        if moved and edit.is_output(reader):
            return []
        layout = node.layout_map if moved else LayoutMap.reshape(shape, shape)
        for slice_id in edit.users(reader) if moved else (reader,):
            part = _part(edit, slice_id, layout)
            if part is None:
                return []
            parts.append(part)
    return parts


def _part(edit: Editor, slice_id: int, layout: LayoutMap) -> Part | None:
    """The part of map(x) that a SLICE takes; None if the node is no SLICE, or one along something else than channels of
    x."""
    node, pieces = edit[slice_id], layout.pieces
    if node.op != "SLICE" or pieces is None:
        return None
    channels = pieces.of_inputs[-1]
    ranges = {atom: range(pieces.atoms[atom]) for atom in channels}
    for atoms, size, start, whole in zip(
        pieces.of_outputs, node.type.shape, node.attributes["start"], layout.out_shape, strict=True
    ):
        if size == whole:
            continue
        if len(atoms) != 1 or atoms[0] not in ranges:
            return None
        ranges[atoms[0]] = range(start, start + size)
    numbers = np.arange(layout.in_shape[-1]).reshape([pieces.atoms[atom] for atom in channels])
    taken = numbers[np.ix_(*(ranges[atom] for atom in channels))]
    sizes = tuple(len(ranges[a]) if a in ranges else size for a, size in enumerate(pieces.atoms))
    order = tuple(atom for group in pieces.of_outputs for atom in group)
    in_shape = (*layout.in_shape[:-1], prod(taken.shape))
    return Part(slice_id, tuple(taken.ravel().tolist()), LayoutMap.of(in_shape, node.type.shape, sizes, order))
