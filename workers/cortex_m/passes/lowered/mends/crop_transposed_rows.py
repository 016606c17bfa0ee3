"""What a transposed convolution's padding cuts off is cut off by a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import operator, sliced

if TYPE_CHECKING:
    from torch.fx import Node

_KERNEL = "quantized_transpose_conv2d_nhwc"

#: Of rows, in a value (N, H, W, C).
_AXIS = 1


@dataclass(frozen=True)
class CropTransposedRows(Rewrite):
    """Every transposed convolution whose padding of rows is no multiple of its stride. CMSIS-NN's kernel before July
    2026 computes it wrongly."""

    name: ClassVar[str] = "crop-transposed-rows"
    law: ClassVar[str] = "the padding of a transposed convolution leaves out as many rows at both ends of its result"

    def fits(self, program: Program, node: Node) -> bool:
        return operator_of(node) == _KERNEL and _rows_apart(node) > 0

    def rewrite(self, program: Program, node: Node) -> None:
        # The kernel leaves out what is a multiple of the stride.
        image, weight, bias, stride, padding, *rest = args_of(node)
        apart, (n, rows, *columns) = _rows_apart(node), shape_of(node)
        args = (image, weight, bias, stride, [padding[0] - apart, padding[1]], *rest)
        with program.module.graph.inserting_before(node):
            whole: Node = program.module.graph.call_function(operator(_KERNEL), args)
        whole.meta = {**node.meta, "val": node.meta["val"].new_empty((n, rows + 2 * apart, *columns))}
        node.replace_all_uses_with(sliced(program, node, whole, _AXIS, apart, apart + rows))
        program.module.graph.erase_node(node)


def _rows_apart(node: Node) -> int:
    """How much of a padding of rows is more than a multiple of the stride."""
    stride, padding = args_of(node)[3:5]
    rest: int = padding[0] % stride[0]
    return rest
