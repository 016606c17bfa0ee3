"""Channels of zeros make their number a multiple of four.

So the kernel for rows of height 1 is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import (
    CONVOLUTION,
    constant,
    is_convolution,
    new_constant,
    operator,
    replaced,
    viewed,
)

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class ChannelsToFour(Rewrite):
    """Convolutions of a row, by a wider kernel, whose stride times channels is no multiple of four."""

    name: ClassVar[str] = "channels-to-four"
    law: ClassVar[str] = "channels whose weights are zero add nothing, whatever stands in them"

    def fits(self, program: Program, node: Node) -> bool:
        if not is_convolution(node):
            return False
        image, weight, _, stride, _, dilation = args_of(node)[:6]
        (_, h, _, c), (_, kh, kw, depth) = shape_of(image), shape_of(weight)
        row = h == 1 and kh == 1 and kw > 1 and dilation[1] == 1 and depth == c
        return bool(row and stride[1] * c % 4)

    def rewrite(self, program: Program, node: Node) -> None:
        # Pad the channels of image and weights.
        args = list(args_of(node))
        image, weight = args[0], args[1]
        (n, _, w, c), graph = shape_of(image), program.module.graph
        more = -c % 4
        pixels = viewed(program, node, image, (n * w, c))
        with graph.inserting_before(node):
            padded: Node = graph.call_function(operator("pad"), (pixels, [0, 0, 0, 0], [0, 0, 0, more], 0))
        padded.meta = {**image.meta, "val": image.meta["val"].new_empty((n * w, c + more))}
        args[0] = viewed(program, node, padded, (n, 1, w, c + more))
        import torch

        value = torch.nn.functional.pad(constant(program, weight), (0, more))
        args[1] = new_constant(program, f"{weight.name}_four", value, weight)
        replaced(program, node, CONVOLUTION, args, shape_of(node))
