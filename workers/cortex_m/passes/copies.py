"""Operators that copy a value, perhaps to another order of axes in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.cortex_m.cost.reading.nodes import operator_of

if TYPE_CHECKING:
    from torch.fx import Node


def is_copy(node: Node) -> bool:
    """Whether an operator copies its operand and computes nothing."""
    return node.op == "call_function" and operator_of(node) in ("_clone_dim_order", "clone")


def same_bytes(source: Node, result: Node) -> bool:
    """Whether two nodes with equal elements have the same dtype and order of axes in memory.

    Args:
        source, result: nodes whose values are tensors.

    Returns:
        True if their bytes are equal where their elements are.
    """
    one, other = source.meta["val"], result.meta["val"]
    return bool(one.dtype == other.dtype and one.dim_order() == other.dim_order())


def keeps_quantisation(copy: Node) -> bool:
    """Whether a copy's result is quantised as its operand; a copy of floats is."""
    before, after = ((copy.meta.get(key) or {}).get(0) for key in ("input_qparams", "output_qparams"))
    return bool(before == after)
