"""What rewrites of padding have in common: slices of a tensor, with the tensor itself between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workers.vulkan.passes.editing import replacing

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Where a slice along the padded dimension starts and ends.
Slice = tuple[int, int]


def is_widened(node: Node) -> bool:
    """Whether a padding operator of known shape adds places and cuts none off."""
    image, pads, *_ = node.args
    return "val" in image.meta and min(pads) >= 0 and any(pads)  # type: ignore[union-attr,arg-type]


def concatenate_pads(
    module: GraphModule, node: Node, ends: Callable[[int, int, int], tuple[Sequence[Slice], Sequence[Slice]]]
) -> None:
    """Replace a padding operator by one concatenation for each dimension that it pads.

    Args:
        module: that the node is of; it is changed in place.
        node: takes a tensor and the places that are added before and after it, the last dimension first.
        ends: gives the slices before and after the tensor. It takes the extent of the dimension and what is added at
            both ends.
    """
    import torch

    aten = torch.ops.aten
    image: Any = node.args[0]
    pads: Any = node.args[1]
    shape = [int(extent) for extent in image.meta["val"].shape]
    with replacing(module, node) as made:
        for dim, added in enumerate(zip(pads[::2], pads[1::2], strict=True), 1):
            if any(added):
                before, after = ends(shape[-dim], *added)
                axis = len(shape) - dim
                places = dict.fromkeys((*before, *after))
                slices = {place: made.call(aten.slice.Tensor, image, axis, *place) for place in places}
                parts = [*map(slices.__getitem__, before), image, *map(slices.__getitem__, after)]
                image = made.call(aten.cat.default, parts, axis)
