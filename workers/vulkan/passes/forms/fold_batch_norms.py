"""Batch norms after convolutions and linear layers that take them in."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import constant, value_of
from workers.vulkan.passes.forms.norms import fill_weights, is_batch_norm, is_folded, lacks_weights, linear_before

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class FoldBatchNorms(ModuleRewrite):
    """ExecuTorch folds a batch norm into the convolution before it only where it has weights. Vulkan's runtime does not
    take one without: BatchNorm.cpp. With ones and zeros, `FuseBatchNormPass` folds it.

    That pass folds one into a linear layer too, but not where the layer is quantised. So it is folded here. The layer's
    weights are copied, as others may read them.
    """

    name: ClassVar[str] = "fold-batch-norms"
    law: ClassVar[str] = "a layer, and a scale and offset by channel, are the layer with scaled weights"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"batch-norm"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        if _epsilon_at(node) is None:
            return False
        if linear_before(node):
            return all(value_of(module, one) is not None for one in node.args[1:5] if one is not None)
        return lacks_weights(node) and is_folded(node) and "val" in node.args[0].meta  # type: ignore[union-attr]

    def rewrite(self, module: GraphModule, node: Node) -> None:
        if found := linear_before(node):
            _fold_into_linear(module, node, *found)
        else:
            fill_weights(module, node)


def _epsilon_at(node: Node) -> int | None:
    """Where a batch norm has its epsilon; None for another operator, and where its statistics are read too."""
    import torch

    if is_batch_norm(node):
        return 7
    is_decomposed = node.target == torch.ops.aten._native_batch_norm_legit_no_training.default
    normed = (operator.getitem, 0)
    return 6 if is_decomposed and all((user.target, user.args[-1]) == normed for user in node.users) else None


def _fold_into_linear(module: GraphModule, node: Node, operand: Any, *layers: Any) -> None:
    import torch
    from torch.nn.utils.fusion import fuse_linear_bn_weights

    layer: Any = node.args[0]
    place = _epsilon_at(node)
    assert place is not None
    weight, bias = (value_of(module, one) for one in layers)
    scale, offset, mean, variance = (value_of(module, one) for one in node.args[1:5])
    assert weight is not None and mean is not None and variance is not None
    epsilon: Any = node.args[place]
    scale = torch.ones_like(mean) if scale is None else scale
    offset = torch.zeros_like(mean) if offset is None else offset
    folded = fuse_linear_bn_weights(weight, bias, mean, variance, epsilon, scale, offset)
    with module.graph.inserting_before(layer):
        made = [
            constant(module, value.detach(), wish)
            for value, wish in zip(folded, ("folded_weight", "folded_bias"), strict=True)
        ]
    # The layer's own node stays, so that it keeps its name and its marks.
    layer.target, layer.args = torch.ops.aten.linear.default, (operand, *made)
    readers = [node] if is_batch_norm(node) else list(node.users)
    for reader in readers:
        reader.replace_all_uses_with(layer)
        module.graph.erase_node(reader)
    if readers != [node]:
        module.graph.erase_node(node)
