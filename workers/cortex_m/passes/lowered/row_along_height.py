"""Convolve a row along its height instead of its width.

So CMSIS-NN does not take its kernel for rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, DEPTHWISE, constant, new_constant, replaced, viewed

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class RowAlongHeight(Rewrite):
    """Every convolution of an image of height 1 by a kernel of height 1, such as conv1d."""

    name: ClassVar[str] = "row-along-height"
    law: ClassVar[str] = "an image of height 1 holds the same bytes as one of width 1, and so does a kernel of height 1"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) not in (CONVOLUTION, DEPTHWISE):
            return False
        image, weight = args_of(node)[0], args_of(node)[1]
        _, h, w, _ = shape_of(image)
        return h == 1 and shape_of(weight)[1] == 1 and (w > 1 or shape_of(weight)[2] > 1) and args_of(node)[4][0] == 0

    def rewrite(self, program: Program, node: Node) -> None:
        # Swap height and width of the image, the kernel, stride, padding and dilation.
        image, weight, bias, stride, padding, dilation, *rest = args_of(node)
        n, h, w, c = shape_of(image)
        first, kh, kw, last = shape_of(weight)
        value = constant(program, weight).reshape(first, kw, kh, last)
        column = new_constant(program, f"{weight.name}_column", value, weight)
        turned = (list(reversed(one)) for one in (stride, padding, dilation))
        args = (viewed(program, node, image, (n, w, h, c)), column, bias, *turned, *rest)
        _, oh, ow, o = shape_of(node)
        replaced(program, node, operator_of(node), args, (n, ow, oh, o))
