"""Adaptive maximum pools as pools over windows of one size.

There is no kernel of adaptive ones. Most are over the whole of an image or a row, which is one window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from workers.cortex_m.passes.calls import call

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Adaptive pool -> the pool, and its number of axes.
_POOLS: dict[Any, tuple[Any, int]] = {
    torch.ops.aten.adaptive_max_pool1d.default: (torch.ops.aten.max_pool1d.default, 1),
    torch.ops.aten.adaptive_max_pool2d.default: (torch.ops.aten.max_pool2d.default, 2),
}


def adaptive_maxima_as_pools(module: GraphModule) -> None:
    """Change the adaptive maximum pools of an exported model before it is quantised.

    Args:
        module: of PyTorch's operators. Pools whose windows differ in size stay as they are. So do those of values
            without a batch, and those that also give the places of the maxima.
    """
    for node in [one for one in module.graph.nodes if one.target in _POOLS]:
        window = _window(node)
        if window is not None:
            _replace(module, node, window)
    module.recompile()


def _window(node: Node) -> list[int] | None:
    """The size of all windows of a pool that is replaced."""
    axes, args = _POOLS[node.target][1], list[Any](node.args)
    value, counts = args[0].meta["val"], args[1]
    places_are_read = any(user.args[1] == 1 and user.users for user in node.users)
    if value.dim() != axes + 2 or places_are_read:
        return None
    sizes = value.shape[2:]
    if any(size % count for size, count in zip(sizes, counts, strict=True)):
        return None
    return [size // count for size, count in zip(sizes, counts, strict=True)]


def _replace(module: GraphModule, node: Node, window: list[int]) -> None:
    for user in list(node.users):
        if user.users:
            with module.graph.inserting_before(user):
                pooled = call(user, _POOLS[node.target][0], node.args[0], window, window)
            user.replace_all_uses_with(pooled)
        module.graph.erase_node(user)
    module.graph.erase_node(node)
