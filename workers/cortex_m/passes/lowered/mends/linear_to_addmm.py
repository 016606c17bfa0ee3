"""A linear layer in float becomes `addmm` or `mm`, of which ExecuTorch has portable kernels."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import constant, new_constant, operator, replaced, viewed

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class LinearToAddmm(Rewrite):
    """Every linear layer in float, of any number of axes, with or without a bias. Without it the runtime refuses the
    file."""

    name: ClassVar[str] = "linear-to-addmm"
    law: ClassVar[str] = "a linear layer is a product of its rows with its transposed weights, and the bias added"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) != "linear" or not node.meta["val"].is_floating_point():
            return False
        weight, bias = _layer(node)
        return len(shape_of(weight)) == 2 and (bias is None or len(shape_of(bias)) == 1)

    def rewrite(self, program: Program, node: Node) -> None:
        # All axes but the last one are rows of one matrix.
        weight, bias = _layer(node)
        *rows, depth = shape_of(args_of(node)[0])
        matrix = (prod(rows), depth)
        image = args_of(node)[0]
        if shape_of(image) != matrix:
            image = viewed(program, node, image, matrix)
        factors = (image, _turned(program, node, weight))
        result = (prod(rows), shape_of(weight)[0])
        if bias is None:
            replaced(program, node, "mm", factors, result)
        else:
            replaced(program, node, "addmm", (bias, *factors), result)


def _layer(node: Node) -> tuple[Node, Node | None]:
    """The weights and the bias of a linear layer."""
    _, weight, bias, *_ = (*args_of(node), None)
    return weight, bias


def _turned(program: Program, before: Node, weight: Node) -> Node:
    """Transposed weights: transposed once and for all, or in every inference if the model computes them."""
    from executorch.backends.transforms.utils import is_param_node

    if is_param_node(program.exported, weight):
        return new_constant(program, f"{weight.name}_turned", constant(program, weight).t(), weight)
    with program.module.graph.inserting_before(before):
        turned: Node = program.module.graph.call_function(operator("permute_copy"), (weight, [1, 0]))
    turned.meta = {**weight.meta, "val": weight.meta["val"].t().contiguous()}
    return turned
