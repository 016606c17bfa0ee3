"""Sums over height and width as depthwise convolutions with ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from search_space.analysis.pixel_sums import sums_pixels
from search_space.analysis.rescale_by_one import shifted_only
from search_space.building.convolution import MOST_ROWS, MOST_TAPS
from search_space.building.sum_in_steps import MOST_VALUES, SumInSteps
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, constant
from search_space.passes.base import Pass


@dataclass(frozen=True)
class SumAsDepthwise(Pass):
    """Replaces a REDUCE_SUM over height or width by a depthwise convolution with ones.

    Source: TOSA 1.0. DEPTHWISE_CONV2D subtracts the zero point of its input and sums in INT32. RESCALE by one to INT32
    and REDUCE_SUM do the same. ExecuTorch lowers a mean to the latter. Vela sums along channels only and transposes for
    it. On Ethos-U55 that takes nearly all cycles of a mean. Sums over more pixels than a kernel are done in steps.

    Attributes:
        both_axes: one kernel for a sum over height and width, up to the largest kernel. Otherwise the first of the two
            becomes a convolution, and the second stays, since it is small then. A large row that becomes one pixel is
            summed in steps. The NPU computes several pixels of a row at a time. Images with more rows than a kernel are
            summed over both axes at once.
    """

    name: ClassVar[str] = "sum-as-depthwise"
    law: ClassVar[str] = "a sum of x - zero point over height or width is a depthwise convolution of x with ones"

    both_axes: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if not sums_pixels(node):
            return False
        sums = _sums_up_to(edit, node_id)
        rescale = edit[edit[sums[-1]].inputs[0]]
        if not shifted_only(edit, rescale) or edit[rescale.inputs[0]].type.dtype != "INT8":
            return False
        data = edit[rescale.inputs[0]].type
        if not self.both_axes and data.shape[1] <= MOST_ROWS:
            if len(sums) > 1:
                return False
        elif edit.used_once(node_id) and sums_pixels(edit[edit.users(node_id)[0]]):  # that one takes this one in
            return False
        axes = {edit[one].attributes["axis"] for one in sums}
        kernel = tuple(data.shape[axis] if axis in axes else 1 for axis in (1, 2))
        if prod(kernel) > MOST_VALUES:
            return False
        zero_points = rescale.inputs[3], edit.add(constant(np.zeros(1, np.int8)))
        one_pixel = kernel == data.shape[1:3]
        most_taps = MOST_ROWS if one_pixel and not self.both_axes else MOST_TAPS
        if kernel[0] > MOST_ROWS or prod(kernel) > most_taps:
            steps = SumInSteps(edit, rescale.inputs[0], zero_points, node.name)
            edit.replace_uses(node_id, steps.along(axes))
            return True
        channels = data.shape[3]
        inputs = (
            rescale.inputs[0],
            edit.add(constant(np.ones((*kernel, channels, 1), np.int8))),
            edit.add(constant(np.zeros(channels, np.int32))),
            *zero_points,
        )
        attributes = {
            "pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": "INT32",
        }  # fmt: skip
        edit.redefine(node_id, Node("DEPTHWISE_CONV2D", inputs, node.type, attributes, name=node.name))
        return True


def _sums_up_to(edit: Editor, node_id: int) -> list[int]:
    """A sum over height or width, and those before it that nothing else reads."""
    sums = [node_id]
    while sums_pixels(edit[edit[sums[-1]].inputs[0]]) and edit.used_once(edit[sums[-1]].inputs[0]):
        sums.append(edit[sums[-1]].inputs[0])
    return sums
