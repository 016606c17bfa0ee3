"""Sums and products whose factors ExecuTorch's passes leave out.

`AddmmToLinearTransform` makes a linear operator of a product with a transposed matrix, whatever its alpha and beta are.
A pattern of the registry that takes a sum or product in does the same: `QuantizedBinaryMatch` looks for alpha where an
exported sum does not have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.vulkan.lowering.fusion.fusion_patterns import is_left, matches

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Ways to write the transposed matrix of a product that becomes a linear operator.
_TRANSPOSED = ("aten.t_copy.default", "aten.permute_copy.default")


def dropped_factors(module: GraphModule) -> tuple[str, ...]:
    """The operators of a partition that are compiled without their alpha or beta.

    Args:
        module: of the partition in the edge dialect, before ExecuTorch's passes.

    Returns:
        Names of operators, in program order, each as often as it occurs.
    """
    scaled = [node for node in module.graph.nodes if _has_factors(node)]
    if not scaled:
        return ()
    fused = {node for name, match in matches(module) if not is_left(name, match) for node in match.all_nodes}
    return tuple(_name(node) for node in scaled if node in fused or _becomes_linear(node))


def _has_factors(node: Node) -> bool:
    """Whether an operator has an alpha or a beta that is not 1."""
    return node.op == "call_function" and any(node.kwargs.get(name, 1) != 1 for name in ("alpha", "beta"))


def _becomes_linear(node: Node) -> bool:
    return _name(node) == "aten.addmm.default" and _name(node.args[2]) in _TRANSPOSED


def _name(node: object) -> str:
    return getattr(getattr(node, "target", None), "__name__", "")
