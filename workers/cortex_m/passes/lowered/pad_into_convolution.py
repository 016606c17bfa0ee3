"""An operator that pads an image goes into the convolution behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, DEPTHWISE, replaced

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class PadIntoConvolution(Rewrite):
    """Every convolution of an image that was padded symmetrically with the value for zero."""

    name: ClassVar[str] = "pad-into-convolution"
    law: ClassVar[str] = "a convolution pads with the value that stands for zero, and so did the operator"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) not in (CONVOLUTION, DEPTHWISE):
            return False
        padded = args_of(node)[0]
        if padded.op != "call_function" or operator_of(padded) != "pad":
            return False
        source, before, after, value = args_of(padded)
        # ExecuTorch pads an image of height 1 along other axes than the arguments say.
        image = len(shape_of(source)) == 4 and shape_of(source)[1] != 1 and before[0] == before[3] == 0
        return bool(image and list(before) == list(after) and value == _zero(node))

    def rewrite(self, program: Program, node: Node) -> None:
        # Add the padding to that of the convolution.
        args = list(args_of(node))
        source, before = args_of(args[0])[:2]
        args[0], args[4] = source, [args[4][0] + before[1], args[4][1] + before[2]]
        replaced(program, node, operator_of(node), args, shape_of(node))


def _zero(node: Node) -> int:
    return -int(args_of(node)[6 if operator_of(node) == CONVOLUTION else 7])
