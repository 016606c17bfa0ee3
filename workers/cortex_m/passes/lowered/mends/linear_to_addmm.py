"""A linear layer in float becomes `addmm`, of which ExecuTorch has a portable kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import constant, new_constant

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class LinearToAddmm(Rewrite):
    """Every linear layer in float with a bias, of two axes. Without it the runtime refuses the file."""

    name: ClassVar[str] = "linear-to-addmm"
    law: ClassVar[str] = "a linear layer is a product with its transposed weights, and the bias added"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) != "linear" or len(args_of(node)) != 3 or len(shape_of(node)) != 2:
            return False
        _, weight, bias = args_of(node)
        return bias is not None and weight.op == "placeholder"

    def rewrite(self, program: Program, node: Node) -> None:
        # Transpose the weights once and for all.
        from executorch.exir.dialects._ops import ops

        image, weight, bias = args_of(node)
        turned = new_constant(program, f"{weight.name}_turned", constant(program, weight).t(), weight)
        with program.module.graph.inserting_before(node):
            product: Any = program.module.graph.call_function(ops.edge.aten.addmm.default, (bias, image, turned))
        product.meta = dict(node.meta)
        node.replace_all_uses_with(product)
        program.module.graph.erase_node(node)
