"""Reading and building kernel calls of a lowered program."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.passes.base import Program

if TYPE_CHECKING:
    import torch
    from torch.fx import Node

CONVOLUTION, DEPTHWISE = "quantized_conv2d_nhwc", "quantized_depthwise_conv2d_nhwc"

#: Portable operators.
_PORTABLE = frozenset({"view_copy", "slice_copy", "permute_copy", "mm", "addmm"})


def operator(name: str) -> Any:
    """An operator of ExecuTorch's Cortex-M dialect, or one of `_PORTABLE` of PyTorch's, by name."""
    from executorch.exir.dialects._ops import ops

    namespace = ops.edge.aten if name in _PORTABLE else ops.edge.cortex_m
    return getattr(namespace, name).Tensor if name == "slice_copy" else getattr(namespace, name).default


def is_convolution(node: Node) -> bool:
    """Whether a node is a convolution on NHWC values that does not go by channel."""
    return operator_of(node) == CONVOLUTION


def constant(program: Program, node: Node) -> torch.Tensor:
    """The value of a parameter or buffer.

    Args:
        program: that has it.
        node: its placeholder.

    Returns:
        The tensor itself, not to be written to.
    """
    from executorch.backends.transforms.utils import get_param_tensor

    value: torch.Tensor = get_param_tensor(program.exported, node)
    return value.detach()


def new_constant(program: Program, name: str, value: torch.Tensor, near: Node | None) -> Node:
    """A parameter of the program.

    Args:
        program: that gets it.
        name: the same name and value give the same parameter again. Another value gets a name of its own. Operators are
            named anew after each rewrite, so two of them may have had one name.
        value: of the parameter.
        near: a parameter, after which it is put; None: before the inputs.

    Returns:
        Its placeholder.
    """
    from executorch.backends.transforms.utils import create_constant_placeholder
    from torch.export.graph_signature import InputKind

    graph = program.module.graph
    value, name = value.contiguous(), _free_name(program, name, value)
    if near is None:
        inputs = program.exported.graph_signature.user_inputs
        place = graph.inserting_before(next(node for node in graph.nodes if node.name in inputs))
    else:
        place = graph.inserting_after(near)
    with place:
        placed: Node = create_constant_placeholder(program.exported, graph, name, InputKind.PARAMETER, value)
    return placed


def _free_name(program: Program, name: str, value: torch.Tensor) -> str:
    """The name, numbered if a parameter of another value has it."""
    import torch

    placed = {node.name: node for node in program.module.graph.nodes if node.op == "placeholder"}
    for number in count(1):
        free = f"{name}_{number}" if number > 1 else name
        if free not in placed:
            return free
        known = constant(program, placed[free])
        if known.dtype == value.dtype and torch.equal(known, value):
            return free
    raise AssertionError("numbers end")


def viewed(program: Program, before: Node, value: Node, shape: Sequence[int]) -> Node:
    """A value under another shape, which costs nothing in the file.

    Args:
        program: that is changed.
        before: the operator that the view is put before.
        value: contiguous.
        shape: with as many elements as the value has.

    Returns:
        The view.
    """
    with program.module.graph.inserting_before(before):
        node: Node = program.module.graph.call_function(operator("view_copy"), (value, list(shape)))
    node.meta = {**value.meta, "val": value.meta["val"].new_empty(tuple(shape))}
    return node


def sliced(program: Program, before: Node, value: Node, axis: int, start: int, end: int) -> Node:
    """Some of a value along an axis.

    Args:
        program: that is changed.
        before: the operator that the slice is put before.
        value: contiguous.
        axis, start, end: what is taken: from `start` to before `end`.

    Returns:
        The slice.
    """
    with program.module.graph.inserting_before(before):
        node: Node = program.module.graph.call_function(operator("slice_copy"), (value, axis, start, end))
    there = value.meta["val"]
    sizes = [end - start if number == axis else size for number, size in enumerate(there.shape)]
    node.meta = {**value.meta, "val": there.new_empty(tuple(sizes))}
    return node


def replaced(program: Program, node: Node, name: str, args: Sequence[Any], shape: Sequence[int]) -> Node:
    """Put another operator in a node's place; a result of another shape is seen under the old one.

    Args:
        program: that is changed.
        node: the operator that goes.
        name, args: of the new operator.
        shape: of its result, with as many values as the old one's.

    Returns:
        The new operator.
    """
    graph = program.module.graph
    old = tuple(node.meta["val"].shape)
    with graph.inserting_before(node):
        new: Node = graph.call_function(operator(name), tuple(args))
    new.meta = {**node.meta, "val": node.meta["val"].new_empty(tuple(shape))}
    result = new if tuple(shape) == old else viewed(program, node, new, old)
    node.replace_all_uses_with(result)
    graph.erase_node(node)
    return new
