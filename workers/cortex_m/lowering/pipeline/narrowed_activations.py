"""Activations that ExecuTorch does not fuse, since their results share a scale with values beyond their bounds.

A concatenation gives all its operands one scale. The result of a ReLU may then be an operand beside negative values.
ExecuTorch quantises a convolution and its ReLU as one operator. It fuses them only if no integer stands for less than
zero. Otherwise it leaves the convolution without a scale of its result, and refuses the model.
"""

from __future__ import annotations

from typing import Any

from executorch.backends.cortex_m.passes.passes_utils import get_activation_bounds, quantize_val
from executorch.exir.dialects._ops import ops
from executorch.exir.pass_base import ExportPass, PassResult
from torch.fx import GraphModule, Node

_HARDSIGMOID = ops.edge.aten.hardsigmoid.default

_ACTIVATIONS = frozenset(
    {ops.edge.aten.relu.default, ops.edge.aten.hardtanh.default, ops.edge.aten.clamp.default, _HARDSIGMOID},
)

#: Operators whose kernels clamp their results.
_CLAMPING = frozenset(
    {
        ops.edge.aten.linear.default,
        ops.edge.aten.convolution.default,
        ops.edge.aten.add.Tensor,
        ops.edge.aten.sub.Tensor,
    }
)


class NarrowActivations(ExportPass):
    """The operator before an activation clamps its result to the integers that stand for the bounds.

    Rounding keeps the order of values. So to clamp and then to quantise gives what to quantise and then to clamp gives.
    """

    def call(self, graph_module: GraphModule) -> PassResult:
        """Change a graph.

        Args:
            graph_module: whose operators know the scales of their operands and results.

        Returns:
            The graph, and whether it is changed.
        """
        graph = graph_module.graph
        found = [node for node in graph.nodes if node.target in _ACTIVATIONS and _is_part(node)]
        changed = False
        for node in found:
            narrowed = _narrowed(node)
            if narrowed is None:
                continue
            before: Any = node.args[0]
            before.meta["output_qparams"] = {0: narrowed}
            node.replace_all_uses_with(before)
            graph.erase_node(node)
            changed = True
        graph_module.recompile()
        return PassResult(graph_module, changed)


def _is_part(node: Node) -> bool:
    """Whether an activation was quantised as one with the operator before it."""
    before: Any = node.args[0]
    alone = before.target in _CLAMPING and len(before.users) == 1
    return alone and bool(before.meta.get("input_qparams")) and not before.meta.get("output_qparams")


def _narrowed(node: Node) -> Any:
    """The scale of an activation's result, with its bounds; None if it has no single scale or no bounds."""
    scale, bounds = (node.meta.get("output_qparams") or {}).get(0), get_activation_bounds(node)
    if scale is None or bounds is None or scale.per_channel:
        return None
    least, most = (
        limit if bound is None else int(quantize_val(bound, scale.scale, scale.zp, scale.qmin, scale.qmax))
        for bound, limit in zip(bounds, (scale.qmin, scale.qmax), strict=True)
    )
    narrowed = scale._replace(qmin=least, qmax=most)
    if node.target != _HARDSIGMOID:
        return narrowed
    # A sixth of the value and a half: the same integers by another scale, as ExecuTorch fuses it.
    return narrowed._replace(scale=6 * scale.scale, zp=scale.zp + round(0.5 / scale.scale))
