"""What a padding by negative numbers crops is cut off by slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import replaced, sliced

if TYPE_CHECKING:
    from torch.fx import Node

_AXES = 4


@dataclass(frozen=True)
class CropBySlices(Rewrite):
    """Every padding by negative numbers, as causal convolutions have it. The kernel cannot crop."""

    name: ClassVar[str] = "crop-by-slices"
    law: ClassVar[str] = "a padding by a negative number leaves out as many values"

    def fits(self, program: Program, node: Node) -> bool:
        from executorch.backends.cortex_m.passes.passes_utils import is_channels_last

        if operator_of(node) != "pad" or min(*args_of(node)[1], *args_of(node)[2]) >= 0:
            return False
        # The numbers are of other axes where the operator takes the value for an image in channels_last order.
        return not is_channels_last(args_of(node)[0].meta["val"])

    def rewrite(self, program: Program, node: Node) -> None:
        # Slice axis by axis, then pad by what is left.
        value, left, right, zero = args_of(node)
        missing = _AXES - len(shape_of(value))
        for axis, (first, last) in enumerate(zip(left[missing:], right[missing:], strict=True)):
            if min(first, last) < 0:
                size = shape_of(value)[axis]
                value = sliced(program, node, value, axis, max(-first, 0), size + min(last, 0))
        ends = ([max(number, 0) for number in numbers] for numbers in (left, right))
        replaced(program, node, "pad", (value, *ends, zero), shape_of(node))
