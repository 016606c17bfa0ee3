"""A softmax over an axis behind which all sizes are 1 runs over the innermost axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import replaced, viewed

if TYPE_CHECKING:
    from torch.fx import Node


@dataclass(frozen=True)
class SoftmaxInnermost(Rewrite):
    """Every softmax over such an axis, as over the channels of an image of one pixel. The kernel refuses it."""

    name: ClassVar[str] = "softmax-innermost"
    law: ClassVar[str] = "axes of size 1 behind an axis change neither its values nor their order in memory"

    def fits(self, program: Program, node: Node) -> bool:
        if operator_of(node) != "softmax":
            return False
        sizes, axis = shape_of(node), args_of(node)[1] % len(shape_of(node))
        return axis != len(sizes) - 1 and all(size == 1 for size in sizes[axis + 1 :])

    def rewrite(self, program: Program, node: Node) -> None:
        # Leave the axes of size 1 out around it.
        value, axis, *rest = args_of(node)
        sizes = shape_of(node)[: axis % len(shape_of(node)) + 1]
        replaced(program, node, "softmax", (viewed(program, node, value, sizes), len(sizes) - 1, *rest), sizes)
