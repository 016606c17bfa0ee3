"""Numbers that are given where an operator takes a list, as lists.

ExecuTorch makes `amax(x, 2)` of the values of `x.max(2)`. It writes the number into the file, and the runtime, which
expects a list, aborts.
"""

from __future__ import annotations

from typing import Any

import torch
from executorch.exir.pass_base import ExportPass, PassResult
from torch.fx import GraphModule, Node


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


def unlisted(node: Node) -> list[tuple[str, int]]:
    """A call's arguments that are a number where the operator takes a list of any length.

    Args:
        node: of a graph of ExecuTorch's operators.

    Returns:
        Names and places, in the operator's order; none for what is no call of an operator.
    """
    # ExecuTorch's own operators hold PyTorch's, whose schema has the types.
    schema = getattr(getattr(node.target, "_op", node.target), "_schema", None) if node.op == "call_function" else None
    found = []
    for place, argument in enumerate(schema.arguments if schema is not None else ()):
        value = node.args[place] if place < len(node.args) else node.kwargs.get(argument.name)
        # An operator of a fixed number of axes, such as a convolution, takes one number for all of them.
        if _is_list(argument) and (argument.N or 1) == 1 and isinstance(value, int):
            found.append((argument.name, place))
    return found


def _is_list(argument: Any) -> bool:
    kind = argument.type
    kind = kind.getElementType() if isinstance(kind, torch.OptionalType) else kind
    return isinstance(kind, torch.ListType)
