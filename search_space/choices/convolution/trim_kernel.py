"""Removal of kernel rows and columns that only meet padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.kernels import KERNEL_AXIS, kernel_size
from search_space.ir.dtypes import NUMPY
from search_space.ir.editor import Editor
from search_space.ir.graph import constant
from search_space.passes.base import Pass


@dataclass(frozen=True)
class TrimKernel(Pass):
    """Removes the rows and columns of a kernel that only meet padding.

    Source: TOSA 1.0, CONV2D and DEPTHWISE_CONV2D: padding is the input's zero point, and adds 0. Strided convolutions
    may have left one or two positions (a voice detector, the end of an image net). Then the outer weights of a kernel
    of 3 are never used, but are read from flash.
    """

    name: ClassVar[str] = "trim-kernel"
    law: ClassVar[str] = "weights that meet padding at every position add nothing"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        kernel = kernel_size(edit, node)
        if kernel is None or edit[node.inputs[1]].type.dtype not in NUMPY:
            return False
        sizes, results = edit[node.inputs[0]].type.shape[1:3], node.type.shape[1:3]
        pad, axis = list(node.attributes["pad"]), KERNEL_AXIS[node.op]
        weights = edit[node.inputs[1]].array
        for d in (0, 1):
            dilation, last = node.attributes["dilation"][d], (results[d] - 1) * node.attributes["stride"][d]
            taps = np.arange(kernel[d]) * dilation - pad[2 * d]
            used = np.flatnonzero((taps + last >= 0) & (taps < sizes[d]))
            if not len(used):
                return False
            # A dilated kernel's end can lie between two of its places: there is no padding to take it from then.
            before = min(int(used[0]), pad[2 * d] // dilation)
            after = min(kernel[d] - 1 - int(used[-1]), pad[2 * d + 1] // dilation)
            weights = weights.take(range(before, kernel[d] - after), axis + d)
            pad[2 * d] -= before * dilation
            pad[2 * d + 1] -= after * dilation
        if weights.shape == edit[node.inputs[1]].type.shape:
            return False
        trimmed = edit.add(constant(weights, edit[node.inputs[1]].type.dtype, edit[node.inputs[1]].name))
        attributes = {**node.attributes, "pad": tuple(pad)}
        edit.redefine(node_id, replace(node, inputs=(node.inputs[0], trimmed, *node.inputs[2:]), attributes=attributes))
        return True
