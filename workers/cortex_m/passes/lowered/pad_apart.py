"""The padding of a row gets an operator of its own.

It makes the row as wide as the windows read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, DEPTHWISE, replaced
from workers.cortex_m.passes.row_padding import padded_rows

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class PadApart(Rewrite):
    """Every padded convolution of a row that reads all of it. The kernel for rows of height 1 is right on the result,
    whatever stride and padding were.
    """

    name: ClassVar[str] = "pad-apart"
    law: ClassVar[str] = "a convolution pads with the value that stands for zero, and so does the operator"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) not in (CONVOLUTION, DEPTHWISE):
            return False
        (_, h, _, _), (_, kh, _, _) = shape_of(args_of(node)[0]), shape_of(args_of(node)[1])
        padding = args_of(node)[4]
        return h == 1 and kh == 1 and padding[0] == 0 and padding[1] > 0 and _right(node) >= 0

    def rewrite(self, program: Program, node: Node) -> None:
        # Pad left and right by what the windows read, and not at all in the convolution.
        args = list(args_of(node))
        zero = -args[6 if operator_of(node) == CONVOLUTION else 7]
        args[0] = padded_rows(program, node, args[0], args[4][1], _right(node), zero)
        args[4] = [0, 0]
        replaced(program, node, operator_of(node), args, shape_of(node))


def _right(node: Node) -> int:
    """Pixels that the last window reads beside the row on its right; negative if it ends before."""
    image, weight, _, stride, padding, dilation = args_of(node)[:6]
    reach = (shape_of(node)[2] - 1) * stride[1] + dilation[1] * (shape_of(weight)[2] - 1) + 1
    return reach - padding[1] - shape_of(image)[2]
