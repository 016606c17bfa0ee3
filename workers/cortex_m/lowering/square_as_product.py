"""Squares of a model as products of a value with itself."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Graph, GraphModule


def has_squares(graph: Graph) -> bool:
    """Whether a graph of PyTorch's operators squares anything."""
    return any(map(_is_square, graph.nodes))


def squares_as_products(module: GraphModule) -> None:
    """Change an exported model before it is quantised."""
    for node in filter(_is_square, list(module.graph.nodes)):
        with module.graph.inserting_before(node):
            product = module.graph.call_function(torch.ops.aten.mul.Tensor, (node.args[0], node.args[0]))
        product.meta = dict(node.meta)
        node.replace_all_uses_with(product)
        module.graph.erase_node(node)
    module.recompile()


def _is_square(node: Any) -> bool:
    return node.target is torch.ops.aten.pow.Tensor_Scalar and bool(node.args[1] == 2)
