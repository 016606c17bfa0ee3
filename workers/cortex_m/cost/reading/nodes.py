"""A node of a lowered program: its operator and arguments, and what its value is like in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workers.cortex_m.cost.call import KernelCall

if TYPE_CHECKING:
    from torch.fx import Node

#: Reads the call of a kernel from a node; None where no such call was counted.
Reader = Callable[["Node"], KernelCall | None]


def operator_of(node: Node) -> str:
    """An operator's name without namespace and overload, as in `quantized_conv2d_nhwc`."""
    schema = getattr(node.target, "_schema", None)
    return schema.name.rpartition("::")[2] if schema is not None else str(getattr(node.target, "__name__", node.target))


def args_of(node: Node) -> tuple[Any, ...]:
    """The arguments of an operator, whose types its schema tells."""
    return node.args


def shape_of(node: Any) -> tuple[int, ...]:
    """The shape of a node's value."""
    return tuple(int(one) for one in node.meta["val"].shape)


def dtype_of(node: Any) -> str:
    """The dtype of a node's value, as in `int8`."""
    return str(node.meta["val"].dtype).removeprefix("torch.")


def dim_order_of(node: Any) -> tuple[int, ...]:
    """The dim order of a node's value: its axes as they lie in memory, the outermost first."""
    return tuple(node.meta["val"].dim_order())


def is_contiguous(node: Any) -> bool:
    """Whether a node's value has its axes in memory in their own order."""
    order = dim_order_of(node)
    return order == tuple(range(len(order)))


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
    import torch

    kind = argument.type
    kind = kind.getElementType() if isinstance(kind, torch.OptionalType) else kind
    return isinstance(kind, torch.ListType)
