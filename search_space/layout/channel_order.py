"""Orders of the channels of a value, its last dimension."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from search_space.ir.layout_map import LayoutMap, Shape


@dataclass(frozen=True)
class ChannelOrder:
    """Another order of the channels: cut into atoms of these sizes, `perm[i]` is the atom that comes i-th."""

    atoms: Shape
    perm: tuple[int, ...]

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """Entry j of the new last dimension is entry indices[j] of the old one."""
        return tuple(np.arange(prod(self.atoms)).reshape(self.atoms).transpose(self.perm).ravel().tolist())

    def layout(self, shape: Shape) -> LayoutMap:
        """The map from a value of this shape in the old order to that in the new one."""
        rows = prod(shape[:-1])
        return LayoutMap.of(shape, shape, (rows, *self.atoms), (0, *(1 + p for p in self.perm)))


def order_before(layout: LayoutMap) -> ChannelOrder | None:
    """The order of a map's input channels with which the map would keep the channels in order.

    None if it already does.
    """
    pieces = layout.pieces
    if pieces is None or not layout.in_shape:
        return None
    place = {a: at for at, a in enumerate(a for group in pieces.of_outputs for a in group)}
    return _order(pieces.atoms, pieces.of_inputs[-1], place)


def order_after(layout: LayoutMap) -> ChannelOrder | None:
    """The order of a map's output channels if the map kept the channels in order; None if it does."""
    pieces = layout.pieces
    if pieces is None or not layout.out_shape:
        return None
    return _order(pieces.atoms, pieces.of_outputs[-1], {a: a for a in range(len(pieces.atoms))})


def _order(atoms: Shape, channels: tuple[int, ...], place: dict[int, int]) -> ChannelOrder | None:
    perm = tuple(sorted(range(len(channels)), key=lambda at: place[channels[at]]))
    if perm == tuple(range(len(channels))):
        return None
    return ChannelOrder(tuple(atoms[a] for a in channels), perm)
