"""What has to hold before a program with explicit layouts becomes one of kernels."""

from __future__ import annotations

from typing import Any

import torch
from executorch.backends.transforms.channels_last_layout import LAYOUT_PERMUTE_COPY
from executorch.exir.dialects._ops import ops
from executorch.exir.pass_base import ExportPass, PassResult
from torch.fx import GraphModule, Node

_SPATIAL = frozenset(
    {ops.edge.aten.convolution.default, ops.edge.aten.avg_pool2d.default, ops.edge.aten.max_pool2d.default}
)

#: The transpose kernel turns at most so many axes, and the portable convolution takes values of so many.
_AXES = 4


class CheckLayouts(ExportPass):
    """In place of ExecuTorch's own check, which refuses every model with a convolution or pool in float.

    Such an operator has a portable kernel of NCHW values, except for a convolution of volumes. A maximum pool of
    integers has one, too: the largest value stays the largest. Another operator of integers that ExecuTorch left
    without a kernel would be computed as if integers were values.
    """

    def call(self, graph_module: GraphModule) -> PassResult:
        """Look at a graph.

        Args:
            graph_module: that is left as it is.

        Returns:
            The graph.

        Raises:
            RuntimeError: an operator has no kernel, or a layout copy does not move int8 values.
        """
        for node in graph_module.graph.nodes:
            if node.target in _SPATIAL and not _has_kernel(node):
                raise RuntimeError(f"there is no kernel for {node.name} ({node.target})")
            if node.target == LAYOUT_PERMUTE_COPY and not _is_movable(node.args[0]):
                raise RuntimeError(f"layout copy {node.name} must move an int8 value of at most {_AXES} axes")
        return PassResult(graph_module, False)


def _has_kernel(node: Node) -> bool:
    """Whether a portable kernel computes an operator rightly."""
    return _is_maximum(node) if node.meta.get("input_qparams") else node.meta["val"].dim() <= _AXES


def _is_maximum(node: Node) -> bool:
    """Whether an operator is a maximum pool with one scale for its operand and its result."""
    before, after = (node.meta.get(key, {}).get(0) for key in ("input_qparams", "output_qparams"))
    return node.target == ops.edge.aten.max_pool2d.default and (after is None or before == after)


def _is_movable(source: Any) -> bool:
    value = source.meta.get("val")
    return isinstance(value, torch.Tensor) and value.dtype == torch.int8 and 1 <= value.dim() <= _AXES
