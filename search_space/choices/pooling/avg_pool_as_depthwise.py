"""Average pools as depthwise convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from search_space.building.convolution import MOST_ROWS
from search_space.building.new_convolution import depthwise_convolved
from search_space.building.sum_in_steps import SumInSteps
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.passes.base import Pass

#: Places of a window; larger ones are faster as pools.
_MOST_TAPS = 36


@dataclass(frozen=True)
class AvgPoolAsDepthwise(Pass):
    """Replaces an AVG_POOL2D by a depthwise convolution with ones and a RESCALE.

    Source: TOSA 1.0, AVG_POOL2D: the sum without zero points is scaled by `reciprocal_scale` of the count. A RESCALE
    with single rounding does the same. Without padding the count is the same everywhere. The NPU takes 4 taps of a
    depthwise convolution at a time, one of a pool (Vela's estimate).

    Attributes:
        global_pools: averages of the whole image, instead of those of small windows. A convolution sums the columns,
            and REDUCE_SUM its few results. Images with more rows than a kernel are summed in steps.
    """

    name: ClassVar[str] = "avg-pool-as-depthwise"
    law: ClassVar[str] = "an average is a depthwise convolution with ones, rescaled by the reciprocal of the count"

    global_pools: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "AVG_POOL2D" or node.type.dtype != "INT8" or any(node.attributes["pad"]):
            return False
        height, width = node.attributes["kernel"]
        is_whole = node.type.shape[1:3] == (1, 1)
        if is_whole != self.global_pools or height * width == 1:
            return False
        if self.global_pools and height > MOST_ROWS:
            zero_points = node.inputs[1], edit.add(constant(np.zeros(1, np.int8)))
            sums = SumInSteps(edit, node.inputs[0], zero_points, node.name).along((1, 2))
        elif self.global_pools:
            sums = _summed(edit, node, (height, 1), (1, 1))
            total = TensorType(node.type.shape, "INT32")
            sums = edit.add(Node("REDUCE_SUM", (sums,), total, {"axis": 2}, name=node.name))
        elif height * width <= _MOST_TAPS:
            sums = _summed(edit, node, (height, width), node.attributes["stride"])
        else:
            return False
        multiplier, shift = _reciprocal(height * width)
        parameters = (np.array([multiplier], np.int32), np.array([shift], np.int8), np.zeros(1, np.int32))
        scaled = (sums, *(edit.add(constant(one)) for one in parameters), node.inputs[2])
        attributes = {
            "scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
            "output_unsigned": False,
        }  # fmt: skip
        edit.redefine(node_id, Node("RESCALE", scaled, node.type, attributes, name=node.name))
        return True


def _summed(edit: Editor, node: Node, kernel: tuple[int, int], stride: tuple[int, int]) -> int:
    """The id of INT32 sums over windows."""
    source, zero_point, _ = node.inputs
    ones, bias = np.ones((*kernel, node.type.shape[3], 1), np.int8), np.zeros(node.type.shape[3], np.int32)
    zero_points = zero_point, edit.add(constant(np.zeros(1, np.int8)))
    return depthwise_convolved(edit, source, ones, bias, zero_points, stride, node.name)


def _reciprocal(count: int) -> tuple[int, int]:
    """Multiplier and shift. Source: TOSA 1.0, `reciprocal_scale`."""
    bits = (count - 1).bit_length()
    return (((1 << 30) + 1) << bits) // count, 30 + bits
