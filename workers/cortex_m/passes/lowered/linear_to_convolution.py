"""A fully connected layer becomes a convolution by a kernel of one pixel."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, constant, new_constant, replaced, viewed

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class LinearToConvolution(Rewrite):
    """Every fully connected layer with symmetric weights. On MVE the order of the two turns with the compiler."""

    name: ClassVar[str] = "linear-to-convolution"
    law: ClassVar[str] = "both kernels sum the same products and requantise the sum by the same multiplier"

    def fits(self, program: Program, node: Node) -> bool:
        return operator_of(node) == "quantized_linear" and args_of(node)[5] == 0

    def rewrite(self, program: Program, node: Node) -> None:
        # Rows become the pixels of a row, and the multiplier one per output.
        import torch

        image, weight, bias, sums, offset, _, zero, multiplier, shift, most, least = args_of(node)
        *rows, depth = shape_of(image)
        outs = shape_of(weight)[0]
        values = constant(program, weight)
        if bias is None and sums is not None:
            # With MVE the layer's bias stands in its sums: bias + offset * sum of weights.
            total = constant(program, sums).flatten() - offset * values.sum(dim=1, dtype=torch.int32)
            bias = new_constant(program, f"{weight.name}_bias", total.to(torch.int32), weight)
        kernel = new_constant(program, f"{weight.name}_pixel", values.reshape(outs, 1, 1, depth), weight)
        scales = [
            new_constant(program, f"{node.name}_{name}", torch.full((outs,), one[0], dtype=torch.int32), weight)
            for name, one in (("multipliers", multiplier), ("shifts", shift))
        ]
        pixels = viewed(program, node, image, (1, 1, prod(rows), depth))
        scratch = _scratch(program, node)
        plain = ([1, 1], [0, 0], [1, 1])
        args = (pixels, kernel, bias, *plain, offset, zero, *scales, least, most, scratch)
        replaced(program, node, CONVOLUTION, args, (1, 1, prod(rows), outs))


def _scratch(program: Program, node: Node) -> Node:
    """A buffer whose size is found when all rewrites are done."""
    import torch
    from executorch.exir import memory

    graph = program.module.graph
    with graph.inserting_before(node):
        scratch: Node = graph.call_function(memory.alloc, (((0,), torch.uint8),))
    scratch.meta["val"] = node.meta["val"].new_empty((0,), dtype=torch.uint8)
    return scratch
