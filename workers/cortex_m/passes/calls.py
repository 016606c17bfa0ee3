"""Calls of PyTorch's operators that are put into an exported model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.fx import Node


def call(origin: Node, target: Any, *args: Any) -> Node:
    """Put a call where the graph inserts.

    Args:
        origin: a node of the graph; the call is of the same place in the model.
        target, args: the operator and its arguments.

    Returns:
        The call, with the value that it has.
    """
    made = origin.graph.call_function(target, args)
    made.meta = {**origin.meta, "val": value_of(made)}
    return made


def value_of(node: Node) -> Any:
    """What a call gives, of the values that its arguments have."""
    from torch.fx.node import map_arg

    args, kwargs = map_arg((node.args, node.kwargs), lambda one: one.meta["val"])
    target: Any = node.target
    return target(*args, **kwargs)
