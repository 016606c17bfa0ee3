"""Squares become products, which are quantised; `pow` stays in float and is dear."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule

from search_space.exactness import Exactness

NAME = "square-as-product"
LAW = "the square of a value is its product with itself; int8 kernels round the product, and float rounded the square"
EXACTNESS = Exactness.REQUANTISING


def squares_as_products(module: GraphModule) -> int:
    """Change an exported model before it is quantised.

    Returns:
        How many squares there were.
    """
    squares = [node for node in module.graph.nodes if _is_square(node)]
    for node in squares:
        with module.graph.inserting_before(node):
            product = module.graph.call_function(torch.ops.aten.mul.Tensor, (node.args[0], node.args[0]))
        product.meta = dict(node.meta)
        node.replace_all_uses_with(product)
        module.graph.erase_node(node)
    module.recompile()
    return len(squares)


def _is_square(node: Any) -> bool:
    return node.target is torch.ops.aten.pow.Tensor_Scalar and bool(node.args[1] == 2)
