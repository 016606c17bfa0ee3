"""A depthwise convolution of one input channel becomes a regular one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, DEPTHWISE, constant, new_constant, replaced

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class DepthwiseToConvolution(Rewrite):
    """Where there is one input channel. CMSIS-NN for MVE does it too, but transposes the weights in every inference."""

    name: ClassVar[str] = "depthwise-to-convolution"
    law: ClassVar[str] = "with one input channel every output channel sums over the same image in both kernels"

    def fits(self, program: Program, node: Node) -> bool:
        return operator_of(node) == DEPTHWISE and shape_of(args_of(node)[0])[3] == 1

    def rewrite(self, program: Program, node: Node) -> None:
        # Put the output channels of the weights first, and leave the multiplier out.
        image, weight, bias, stride, padding, dilation, _, *rest = args_of(node)
        value = constant(program, weight).permute(3, 1, 2, 0)
        outs_first = new_constant(program, f"{weight.name}_outs_first", value, weight)
        args = (image, outs_first, bias, stride, padding, dilation, *rest)
        replaced(program, node, CONVOLUTION, args, shape_of(node))
