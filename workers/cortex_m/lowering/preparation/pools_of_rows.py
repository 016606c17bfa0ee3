"""1-D pools of a model as 2-D ones over images of width 1, which give the same values.

ExecuTorch's quantiser knows 2-D pools alone. A 1-D one becomes a float 2-D pool between two
quantised values. The pipeline with explicit layouts then refuses the whole model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from workers.cortex_m.passes.calls import call

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: 1-D pool -> the 2-D one, and its arguments that have a value for each axis. The value of the second axis is that of
#: no window, stride, padding or dilation.
_POOLS: dict[Any, tuple[Any, tuple[int, ...]]] = {
    torch.ops.aten.max_pool1d.default: (torch.ops.aten.max_pool2d.default, (1, 1, 0, 1)),
    torch.ops.aten.avg_pool1d.default: (torch.ops.aten.avg_pool2d.default, (1, 1, 0)),
}


def pools_of_rows_as_images(module: GraphModule) -> None:
    """Change the pools of an exported model before it is quantised.

    Args:
        module: of PyTorch's operators. Pools of values without a batch stay as they are.
    """
    for node in [one for one in module.graph.nodes if one.target in _POOLS and one.meta["val"].dim() == 3]:
        _replace(module, node)
    module.recompile()


def _replace(module: GraphModule, node: Node) -> None:
    pool, neutral = _POOLS[node.target]
    row, *given = node.args
    given = [_of_image(one, neutral[place]) if place < len(neutral) else one for place, one in enumerate(given)]
    with module.graph.inserting_before(node):
        image = call(node, torch.ops.aten.unsqueeze.default, row, -1)
        pooled = call(node, pool, image, *given)
        result = call(node, torch.ops.aten.squeeze.dim, pooled, -1)
    node.replace_all_uses_with(result)
    module.graph.erase_node(node)


def _of_image(given: Any, neutral: int) -> list[int]:
    """A 1-D pool's argument for a height and a width; none where the stride is left out."""
    values = list(given) if isinstance(given, list | tuple) else [given]
    return [*values, neutral] if values else []
