"""Values in channels_last order that reach portable operators which read them as if they were contiguous."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "channels-last"

#: By what they did in ExecuTorch 1.5.1's runtime on values in channels_last order. What is not listed is right there:
#: `upsample_nearest2d`, `view_copy`, `mean`, `max_pool2d`, `avg_pool2d`, `clone`, `convolution`.
_WRONG = frozenset({"cat", "constant_pad_nd", "pixel_shuffle", "flip"})
_FAILS = frozenset(
    {"split_copy", "split_with_sizes_copy", "slice_copy", "select_copy", "_softmax", "permute_copy", "expand_copy"}
)


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on operators of a lowered program that take an image in channels_last order."""
    for node in program.graph.nodes:
        name = operator_of(node) if node.op == "call_function" else ""
        severity = _severity(node, name)
        if severity is not None and any(map(is_channels_last, node.all_input_nodes)):
            what = "wrong values" if severity is Severity.WRONG else "error 0x12"
            message = f"{node.name}: portable {name} of a channels_last value gives {what}; lower with explicit layouts"
            yield Verdict(NAME, node.name, severity, message)


def _severity(node: Node, name: str) -> Severity | None:
    if _is_portable(node):
        if name in _WRONG:
            return Severity.WRONG
        if name in _FAILS or (name == "add" and _broadcasts_over_pixels(node)):
            return Severity.FAILS
    return None


def _is_portable(node: Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.name.startswith(("aten::", "dim_order_ops::"))


def _broadcasts_over_pixels(node: Node) -> bool:
    shapes = [tuple(one.meta["val"].shape) for one in node.all_input_nodes]
    return len(set(shapes)) > 1


def is_channels_last(node: Any) -> bool:
    """Whether a node's value is an image whose channels are innermost in memory and not in its shape."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.dim() != 4:
        return False
    # With one channel or one pixel both orders are the same bytes, but the runtime goes by the recorded order.
    return tuple(value.dim_order()) == (0, 2, 3, 1)
