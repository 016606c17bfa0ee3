"""Quantised operators that PyTorch computes in float, become those of the processor before layouts are looked at.

The pipeline with explicit layouts follows the dtypes of values from operator to operator. PyTorch gives a float for the
`sigmoid` or `tanh` of an integer, and for a quotient of two. So what comes after it seems to be in float. The pipeline
refuses to move it between layouts.
"""

from __future__ import annotations

from typing import Any

import torch
from executorch.backends.cortex_m.passes import AtenToCortexMPass
from executorch.backends.transforms.aten_to_dialect_pass import AtenToDialectPass, DialectNodeSpec
from executorch.exir.pass_base import PassResult
from torch.fx import GraphModule, Node


class EarlyIntegers(AtenToDialectPass):
    """ExecuTorch's own replacements of such operators, as `AtenToCortexMPass` makes them at the end."""

    def call(self, graph_module: GraphModule) -> PassResult:
        """Change a graph.

        Args:
            graph_module: whose operators know the scales of their operands and results.

        Returns:
            The graph, and whether it is changed.
        """
        result = super().call(graph_module)
        # Dtypes are found anew each time. What reads a result may be next.
        return PassResult(self.call(result.graph_module).graph_module, True) if result.modified else result


def _seems_float(node: Node) -> bool:
    """Whether the dtypes of an operator alone make its result a float. Its operands have to be what the processor gets.
    A linear layer of integers seems to give wider ones."""
    scale = (node.meta.get("output_qparams") or {}).get(0)
    if scale is None or scale.dtype.is_floating_point or not node.meta["val"].is_floating_point():
        return False
    operands = [one.meta["val"] for one in node.all_input_nodes]
    return all(isinstance(one, torch.Tensor) and one.dtype == scale.dtype for one in operands)


def _early(replacement: Any) -> Any:
    def replaced(node: Node, dialect_pass: AtenToDialectPass) -> DialectNodeSpec | None:
        found: DialectNodeSpec | None = replacement(node, dialect_pass) if _seems_float(node) else None
        return found

    return replaced


for _target, _replacement in AtenToCortexMPass._DIALECT_SUBSTITUTIONS.items():
    EarlyIntegers.register_dialect_substitution(_target)(_early(_replacement))
