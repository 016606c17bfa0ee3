"""What rewrites of modules have in common: constants, and nodes that keep the marks of replaced ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


def value_of(module: GraphModule, node: Any) -> torch.Tensor | None:
    """Look up a constant.

    Args:
        module: that the node is of.
        node: anything that an operator takes.

    Returns:
        The tensor that an attribute's node stands for; None for everything else.
    """
    if getattr(node, "op", "") != "get_attr":
        return None
    value: Any = module
    for part in str(node.target).split("."):
        value = getattr(value, part)
    tensor: torch.Tensor = value
    return tensor


def computed_value(module: GraphModule, node: Any) -> torch.Tensor | None:
    """Look up a constant, or compute one from constants alone, such as a part of a mask.

    Args:
        module: that the node is of.
        node: anything that an operator takes.

    Returns:
        The tensor; None where it depends on an input or on random numbers, or where something writes into it.
    """
    import torch

    if not isinstance(node, torch.fx.Node):
        return None
    needed, waiting = {node}, [node]
    while waiting:
        one = waiting.pop()
        is_operator = isinstance(one.target, torch._ops.OpOverload)
        if (one.op != "get_attr" and not is_operator) or one.is_impure():
            return None
        more = set(one.all_input_nodes) - needed
        needed |= more
        waiting += more
    if needed & _written(module):
        return None
    values: dict[Node, Any] = {}
    with torch.no_grad():
        for one in module.graph.nodes:
            if one in needed and one.op == "get_attr":
                values[one] = value_of(module, one)
            elif one in needed:
                args, kwargs = torch.fx.map_arg((one.args, one.kwargs), values.__getitem__)
                values[one] = one.target(*args, **kwargs)
    tensor: torch.Tensor = values[node]
    return tensor


def is_transposed(node: Any) -> bool:
    """Whether a node permutes the dimensions of a tensor, as `w.t()`, `w.T` and `w.transpose(0, 1)` do."""
    import torch

    aten = torch.ops.aten
    turns = (aten.t.default, aten.numpy_T.default, aten.transpose.int, aten.permute.default)
    return getattr(node, "target", None) in turns


def _written(module: GraphModule) -> set[Node]:
    """What operators write into, with the tensors that it is a view of."""
    found: set[Node] = set()
    for node in module.graph.nodes:
        if node.op == "call_function" and getattr(getattr(node.target, "_schema", None), "is_mutable", False):
            into = next(iter(node.all_input_nodes), None)
            while into is not None:
                found.add(into)
                into = next(iter(into.all_input_nodes), None)
    return found


def constant(module: GraphModule, value: torch.Tensor, wish: str) -> Node:
    """A node for a new constant, made where the graph inserts.

    Args:
        module: that it is made in.
        value: of the constant.
        wish: what its name begins with.

    Returns:
        The node.
    """
    name, number = wish, 0
    while hasattr(module, name):
        number += 1
        name = f"{wish}_{number}"
    module.register_buffer(name, value)
    return module.graph.get_attr(name)


@contextmanager
def replacing(module: GraphModule, node: Node) -> Iterator[Replacement]:
    """Replace a node.

    Nodes that the block makes stand before it, and the last of them takes its place.

    Args:
        module: that the node is of.
        node: that is replaced.

    Yields:
        What makes the nodes; they belong to the layer of the one that is replaced.
    """
    with module.graph.inserting_before(node):
        made = Replacement(module, node)
        yield made
    node.replace_all_uses_with(made.last)
    module.graph.erase_node(node)


class Replacement:
    """Calls operators in place of a node."""

    def __init__(self, module: GraphModule, node: Node) -> None:
        """Nothing is made yet.

        Args:
            module: that nodes are made in.
            node: that they replace.
        """
        self._module, self._node, self.last = module, node, node

    def call(self, target: Any, *arguments: Any) -> Node:
        """A call of an operator, marked as the node that it replaces.

        Args:
            target: the operator.
            arguments: nodes and plain values.

        Returns:
            The node.
        """
        made = self._module.graph.call_function(target, arguments)
        for key in ("custom", "nn_module_stack", "stack_trace"):
            if key in self._node.meta:
                made.meta[key] = self._node.meta[key]
        self.last = made
        return made
