"""Choice of the order of a convolution's output channels by the cost of the transpose after it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE
from search_space.ir.layout_map import LayoutMap
from search_space.layout.channel_order import ChannelOrder
from search_space.layout.channel_region import region_of, reorder
from search_space.layout.transpose_cost import cheapest_steps
from search_space.passes.base import Pass

#: Atoms of the channels up to which all orders are tried.
_MOST_ATOMS = 4


@dataclass(frozen=True)
class SelectChannelOrder(Pass):
    """Lets a convolution output its channels in the order in which the transpose after it is cheapest.

    The channels of a pixel shuffle are a tensor of their own, [C,r,r]. Each of its orders leaves another transpose of
    pixels, and the costs of these differ by factors. Weights, biases and multipliers up to the convolution are
    reordered at compile time.
    """

    name: ClassVar[str] = "select-channel-order"
    law: ClassVar[str] = "conv(x, W) with channels in another order is conv(x, W') with W's rows in that order"
    is_nonlocal: ClassVar[bool] = True

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.layout_map.keeps_order:
            return False
        source, layout = node.inputs[0], node.layout_map
        orders = _orders(layout)
        if not orders or region_of(edit, source, orders[0], exempt=node_id) is None:
            return False
        tensor = edit[source].type
        now = cheapest_steps(layout, tensor, edit.facts)
        best: ChannelOrder | None = None
        cost = float("inf") if now is None else now[1]
        for order in orders:
            rest = order.layout(layout.in_shape).inverse.then(layout)
            found = None if rest is None else cheapest_steps(rest, tensor, edit.facts, at_most=cost)
            if rest is not None and found is not None:
                best, cost = order, found[1]
        return best is not None and _reordered(edit, node_id, source, best)


def _orders(layout: LayoutMap) -> list[ChannelOrder]:
    """The orders that the channels of the map's input could have had."""
    pieces = layout.pieces
    channels = pieces.of_inputs[-1] if pieces is not None and layout.in_shape else ()
    if pieces is None or not 1 < len(channels) <= _MOST_ATOMS:
        return []
    atoms = tuple(pieces.atoms[a] for a in channels)
    return [ChannelOrder(atoms, perm) for perm in permutations(range(len(channels))) if list(perm) != sorted(perm)]


def _reordered(edit: Editor, node_id: int, source: int, order: ChannelOrder) -> bool:
    """Reorder if no other layout transform would have to take up the order; whether it was done."""
    region = region_of(edit, source, order, exempt=node_id)
    if region is None or list(region.maps) != [node_id] or any(edit[v].op == MOVE for v in region.values):
        return False
    reorder(edit, region)
    return True
