"""Padding of a row in an operator of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.cortex_m.cost.view import shape_of
from workers.cortex_m.passes.base import Program
from workers.cortex_m.passes.kernel_nodes import operator, viewed

if TYPE_CHECKING:
    from torch.fx import Node


def padded_row(program: Program, before: Node, row: Node, left: int, right: int, value: int) -> Node:
    """A row with values put on its left and right.

    ExecuTorch's `pad` takes an image (N, 1, W, C) for one in channels_last order and pads other axes. So the row is
    padded as a matrix (N, W * C), which it takes as it is.

    Args:
        program: that is changed.
        before: the operator that the padding is put before.
        row: an image (N, 1, W, C).
        left, right: pixels.
        value: of int8, that stands for zero.

    Returns:
        An image (N, 1, left + W + right, C).
    """
    n, _, w, c = shape_of(row)
    graph = program.module.graph
    flat = viewed(program, before, row, (n, w * c))
    ends = ([0, 0, 0, left * c], [0, 0, 0, right * c])
    with graph.inserting_before(before):
        padded: Node = graph.call_function(operator("pad"), (flat, *ends, value))
    width = w + left + right
    padded.meta = {**row.meta, "val": row.meta["val"].new_empty((n, width * c))}
    return viewed(program, before, padded, (n, 1, width, c))
