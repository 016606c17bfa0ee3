"""Padding of rows in an operator of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.cortex_m.cost.reading.nodes import shape_of
from workers.cortex_m.passes.base import Program
from workers.cortex_m.passes.kernel_nodes import operator, viewed

if TYPE_CHECKING:
    from torch.fx import Node


def padded_rows(program: Program, before: Node, image: Node, left: int, right: int, value: int) -> Node:
    """An image with values put on the left and right of each row.

    ExecuTorch's `pad` takes an image (N, 1, W, C) for one in channels_last order and pads other axes. So the rows are
    padded as a matrix (N * H, W * C), which it takes as it is.

    Args:
        program: that is changed.
        before: the operator that the padding is put before.
        image: of shape (N, H, W, C).
        left, right: pixels.
        value: of int8, that stands for zero.

    Returns:
        An image (N, H, left + W + right, C).
    """
    n, h, w, c = shape_of(image)
    graph = program.module.graph
    flat = viewed(program, before, image, (n * h, w * c))
    ends = ([0, 0, 0, left * c], [0, 0, 0, right * c])
    with graph.inserting_before(before):
        padded: Node = graph.call_function(operator("pad"), (flat, *ends, value))
    width = w + left + right
    padded.meta = {**image.meta, "val": image.meta["val"].new_empty((n * h, width * c))}
    return viewed(program, before, padded, (n, h, width, c))
