"""Numbers that are given where an operator takes a list, as lists.

ExecuTorch makes `amax(x, 2)` of the values of `x.max(2)`. It writes the number into the file, and the runtime, which
expects a list, aborts.
"""

from __future__ import annotations

from executorch.exir.pass_base import ExportPass, PassResult
from torch.fx import GraphModule

from workers.cortex_m.cost.reading.nodes import unlisted


class ListNumbers(ExportPass):
    """A number becomes a list of one."""

    def call(self, graph_module: GraphModule) -> PassResult:
        """Change a graph.

        Args:
            graph_module: whose operators are ExecuTorch's.

        Returns:
            The graph, and whether it is changed.
        """
        changed = False
        for node in graph_module.graph.nodes:
            for name, place in unlisted(node):
                changed = True
                if place < len(node.args):
                    node.update_arg(place, [node.args[place]])
                else:
                    node.update_kwarg(name, [node.kwargs[name]])
        graph_module.recompile()
        return PassResult(graph_module, changed)
