"""The bounds of ReLU6 and other clamps of an exported program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.fx import Node


def bounds_of(node: Node) -> tuple[float, float] | None:
    """Both bounds of a clamp; None for other operators, and for clamps with one bound."""
    import torch

    aten = torch.ops.aten
    if node.target in (aten.relu6.default, aten.relu6_.default):
        return 0.0, 6.0
    arguments: Any = node.args[1:]
    if node.target in (aten.hardtanh.default, aten.hardtanh_.default):
        low, high = (*arguments, -1.0, 1.0)[:2] if not arguments else (*arguments, 1.0)[:2]
    elif node.target in (aten.clamp.default, aten.clamp_.default) and len(arguments) == 2:
        low, high = arguments
    else:
        return None
    return None if low is None or high is None else (float(low), float(high))
