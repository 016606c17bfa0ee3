"""1x1 convolutions of batches or columns as convolutions of one row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.analysis.kernels import pointwise
from search_space.building.convolution import reshaped, result_of
from search_space.ir.editor import Editor
from search_space.ir.graph import Step, move
from search_space.passes.base import Pass


@dataclass(frozen=True)
class FlattenPixels(Pass):
    """Reshapes the data of a 1x1 convolution to one row.

    Source: a 1x1 kernel does not depend on which pixels are neighbours. ExecuTorch lowers a linear layer to a
    convolution of N batches of one pixel. Vela 5.1 treats them as an image. Where N is odd, a part of the NPU's blocks
    of pixels is empty in every row. In one row only the end is.

    Images are left alone. Their layers keep them in bricks of 16 channels. A row in between would be written and read
    linearly.
    """

    name: ClassVar[str] = "flatten-pixels"
    law: ClassVar[str] = "a 1x1 convolution of [N,H,W,C] is one of [1,1,N*H*W,C]"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        result = result_of(edit, node_id)
        if result is None or not pointwise(edit, node):
            return False
        n, h, w, _ = node.type.shape
        if n == 1 and not h > w == 1:
            return False
        data = edit[node.inputs[0]].type
        row = edit.add(move(node.inputs[0], data, (Step("reshape", (1, 1, n * h * w, data.shape[3])),), node.name))
        flat = replace(node, inputs=(row, *node.inputs[1:]))
        last = reshaped(edit, node_id, result, flat, (1, 1, n * h * w, node.type.shape[3]))
        edit.redefine(result, move(last, edit[last].type, (Step("reshape", node.type.shape),), edit[result].name))
        return True
