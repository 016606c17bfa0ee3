"""Paddings of convolutions that are given by name, as numbers.

ExecuTorch's quantiser does not know convolutions with a padding by name, `same` or `valid`. They would stay in float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from workers.cortex_m.passes.calls import call

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: By name -> by number, and the number of axes.
_CONVOLUTIONS: dict[Any, tuple[Any, int]] = {
    torch.ops.aten.conv1d.padding: (torch.ops.aten.conv1d.default, 1),
    torch.ops.aten.conv2d.padding: (torch.ops.aten.conv2d.default, 2),
}


def paddings_by_number(module: GraphModule) -> None:
    """Change the convolutions of an exported model before it is quantised.

    Args:
        module: of PyTorch's operators.
    """
    for node in [one for one in module.graph.nodes if one.target in _CONVOLUTIONS]:
        _replace(module, node)
    module.recompile()


def _replace(module: GraphModule, node: Node) -> None:
    known, axes = _CONVOLUTIONS[node.target]
    defaults: tuple[Any, ...] = (None, 1, "valid", 1, 1)
    image, weight, *given = list[Any](node.args)
    bias, stride, name, dilation, groups = (*given, *defaults[len(given) :])
    steps, gaps = _each(stride, axes), _each(dilation, axes)
    kernel = weight.meta["val"].shape[2:]
    sums = [gap * (size - 1) if name == "same" else 0 for gap, size in zip(gaps, kernel, strict=True)]
    with module.graph.inserting_before(node):
        if any(one % 2 for one in sums):  # what both ends do not share lies after the values
            after = [number for one in reversed(sums) for number in (0, one % 2)]
            image = call(node, torch.ops.aten.constant_pad_nd.default, image, after)
        args = (image, weight, bias, steps, [one // 2 for one in sums], gaps, groups)
        replaced = call(node, known, *args)
    node.replace_all_uses_with(replaced)
    module.graph.erase_node(node)


def _each(given: Any, axes: int) -> list[int]:
    """A number for each axis."""
    values = list(given) if isinstance(given, list | tuple) else [given]
    return values if len(values) == axes else values * axes
