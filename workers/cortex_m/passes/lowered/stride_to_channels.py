"""A convolution strided along the width becomes one of stride 1 along it with more channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, constant, is_convolution, new_constant, replaced, viewed
from workers.cortex_m.passes.row_padding import padded_rows

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class StrideToChannels(Rewrite):
    """Where the stride divides the width of kernel and padded image. The padding of rows gets an operator of its own.
    The padding above and below stays in the convolution."""

    name: ClassVar[str] = "stride-to-channels"
    law: ClassVar[str] = (
        "windows that move by the stride read whole groups of pixels, and a group is a pixel of more channels"
    )

    def fits(self, program: Program, node: Node) -> bool:
        if not is_convolution(node):
            return False
        image, weight, _, stride, padding, dilation = args_of(node)[:6]
        (_, _, w, c), (_, _, kw, depth) = shape_of(image), shape_of(weight)
        step, pad = stride[1], padding[1]
        return bool(step > 1 and dilation[1] == 1 and depth == c and kw % step == 0 and (w + 2 * pad) % step == 0)

    def rewrite(self, program: Program, node: Node) -> None:
        # View groups of pixels as channels, in the image and in the kernel.
        image, weight, bias, stride, padding, dilation, *rest = args_of(node)
        step, pad = stride[1], padding[1]
        (n, h, w, c), (o, kh, kw, _) = shape_of(image), shape_of(weight)
        rows = padded_rows(program, node, image, pad, pad, -rest[0]) if pad else image
        grouped = viewed(program, node, rows, (n, h, (w + 2 * pad) // step, c * step))
        value = constant(program, weight).reshape(o, kh, kw // step, c * step)
        kernel = new_constant(program, f"{weight.name}_grouped", value, weight)
        window = ([stride[0], 1], [padding[0], 0], dilation)
        replaced(program, node, CONVOLUTION, (grouped, kernel, bias, *window, *rest), shape_of(node))
