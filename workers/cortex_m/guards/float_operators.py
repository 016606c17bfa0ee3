"""Convolutions and other operators of a quantised model that stay in float.

Nothing fails, but they cost very much.

The quantiser passes over what it does not know without a word. Examples are images in NCHW order and 1-D convolutions
in the default pipeline, and squares.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import IMAGE_VIEWS
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "float-operators"
#: What turns float into int8 and back, and moves nothing else.
_BORDERS = frozenset({"quantize_per_tensor", "dequantize_per_tensor", "view_copy", "alloc", "getitem", *IMAGE_VIEWS})
#: What gives values of its arguments, or their absolute or negative ones. Nothing is rounded.
_UNROUNDED = frozenset({
    "_clone_dim_order", "_to_dim_order_copy", "abs", "alias_copy", "amax", "amin", "cat", "clamp", "clone",
    "constant_pad_nd", "detach_copy", "embedding", "empty", "expand_copy", "flip", "full", "full_like", "gather",
    "hardtanh", "index", "index_select", "lift_fresh_copy", "masked_fill", "max", "max_pool2d_with_indices",
    "maximum", "min", "minimum", "narrow_copy", "neg", "ones", "permute_copy", "pixel_shuffle", "pixel_unshuffle",
    "relu", "repeat", "roll", "scalar_tensor", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy",
    "squeeze_copy", "stack", "t_copy", "transpose_copy", "unbind_copy", "unsqueeze_copy", "upsample_nearest2d",
    "where", "zeros", "zeros_like",
})  # fmt: skip


def float_operators(program: ExportedProgram) -> list[Node]:
    """The operators of a lowered program with float results, without those at the borders of quantised parts."""
    nodes = (node for node in program.graph.nodes if node.op == "call_function")
    return [node for node in nodes if operator_of(node) not in _BORDERS and _is_float(node)]


def rounding_operators(program: ExportedProgram) -> tuple[str, ...]:
    """Kinds of operators of a lowered program that compute in float, in the order in which they come.

    Portable kernels sum in another order than PyTorch, by other formulas, or with another `exp`.
    """
    kinds = (operator_of(node) for node in float_operators(program))
    return tuple(dict.fromkeys(kind for kind in kinds if kind not in _UNROUNDED))


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """A verdict on every operator that stays in float."""
    for node in float_operators(program):
        name = operator_of(node)
        mend = " (images in channels_last order, or explicit layouts, quantise it)" if name == "convolution" else ""
        message = f"{node.name}: {name} stays in float and runs as a portable kernel{mend}"
        yield Verdict(NAME, node.name, Severity.FLOAT, message)


def _is_float(node: Node) -> bool:
    value = node.meta.get("val")
    values = value if isinstance(value, list | tuple) else (value,)
    return any(isinstance(one, torch.Tensor) and one.dtype.is_floating_point for one in values)
