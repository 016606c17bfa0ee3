"""A convolution that looks at one pixel at a time runs on one row of pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from search_space.editor import Editor
from search_space.graph import Step, TensorType, move
from search_space.passes.base import Pass
from search_space.rescale_of import rescale_of

#: Largest dimension that Vela 5.1 takes without cutting it.
_LONGEST = 1 << 16


@dataclass(frozen=True)
class OneRow(Pass):
    """Source: TOSA 1.0, CONV2D. ExecuTorch lowers a linear over T tokens to a convolution on [T,1,1,C]. On Ethos-U85 an
    operation gives out its result transposed for nothing where Vela 5.1 sees both as the same rows and columns: the
    operand of a MATMUL that comes from [1,1,T,C] is such a one, from [T,1,1,C] it is not.

    A batch or a column of pixels is a site; an image, which fills the NPU's blocks as it is, is not.

    The RESCALE of a convolution stays with it, since both are one operation.
    """

    name: ClassVar[str] = "one-row"
    law: ClassVar[str] = "a 1x1 convolution of [N,H,W,C] is one of [1,1,N*H*W,C]"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONV2D" or edit[node.inputs[1]].type.shape[1:3] != (1, 1):
            return False
        if node.attributes["stride"] != (1, 1) or any(node.attributes["pad"]):
            return False
        count, height, width, _ = node.type.shape
        pixels = count * height * width
        if count == height == 1 or pixels > _LONGEST or count == 1 < width:
            return False
        source = edit[node.inputs[0]].type
        row = Step("reshape", (1, 1, pixels, source.shape[3]))
        flat = edit.add(move(node.inputs[0], source, (row,), node.name))
        after = TensorType((1, 1, pixels, node.type.shape[3]), node.type.dtype)
        value = edit.add(replace(node, inputs=(flat, *node.inputs[1:]), type=after))
        last = node_id
        rescale = rescale_of(edit, node_id)
        if rescale is not None:
            last = rescale
            after = TensorType(after.shape, edit[last].type.dtype)
            value = edit.add(replace(edit[last], inputs=(value, *edit[last].inputs[1:]), type=after))
        edit.redefine(last, move(value, after, (Step("reshape", edit[last].type.shape),), edit[last].name))
        return True
