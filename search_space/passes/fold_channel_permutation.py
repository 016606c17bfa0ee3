"""Folding of permutations of channels into the weights of convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE
from search_space.ir.layout_map import LayoutMap
from search_space.layout.channel_order import ChannelOrder, order_after, order_before
from search_space.layout.channel_region import moves_longer_runs, region_of, reorder
from search_space.layout.composition import compose
from search_space.passes.base import Pass


@dataclass(frozen=True)
class FoldChannelPermutation(Pass):
    """Folds a layout transform that permutes channels into the convolutions around it.

    The order of channels is free between one convolution's output channels and the next one's input channels. Weights,
    biases, rescale multipliers and constants in between are reordered at compile time. So a channel shuffle between
    convolutions is removed, and a flatten before a linear needs no transpose. Of a pixel shuffle, the part that moves
    pixels remains. Chains of layout transforms are composed first. Rewrite 4 of ExecuTorch pull request #18167, and an
    extension of it.
    """

    name: ClassVar[str] = "fold-channel-permutation"
    law: ClassVar[str] = "conv(x, W) with channels in another order is conv(x, W') with W's rows in that order"
    is_nonlocal: ClassVar[bool] = True

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        if compose(edit, node_id):
            return True
        node = edit[node_id]
        if node.op != MOVE or node.layout_map.keeps_order:
            return False
        layout = node.layout_map
        before, after = order_before(layout), order_after(layout)
        if before is not None:
            rest = before.layout(layout.in_shape).inverse.then(layout)
            if _reordered(edit, node.inputs[0], before, layout, rest):
                return True
        if after is not None:
            return _reordered(edit, node_id, after, layout, layout.then(after.layout(layout.out_shape)))
        return False


def _reordered(edit: Editor, value: int, order: ChannelOrder, layout: LayoutMap, rest: LayoutMap | None) -> bool:
    """Whether the channels of a value were put into another order, so that a part of the map is left."""
    if rest is None or not moves_longer_runs(rest, layout):
        return False
    region = region_of(edit, value, order)
    if region is None:
        return False
    reorder(edit, region)
    return True
