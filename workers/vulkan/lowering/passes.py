"""What lowering asks of a rewrite; the rewrites themselves are in `workers.vulkan.passes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch.fx import GraphModule


class GraphPass(Protocol):
    """A rewrite of an exported program's module."""

    def apply(self, module: GraphModule) -> int:
        """Rewrite a module in place; how often."""


class EdgePass(Protocol):
    """A rewrite of a program in ExecuTorch's edge dialect."""

    def edge_pass(self) -> Any:
        """An `executorch.exir.pass_base.ExportPass` that does it."""
