"""A pass that is wrong."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.ir.editor import Editor
from search_space.ir.graph import constant
from search_space.passes.base import Pass


@dataclass(frozen=True)
class Forgetful(Pass):
    name: ClassVar[str] = "x-forgetful"
    law: ClassVar[str] = "biases are all zero: wrong"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONV2D" or not edit[node.inputs[2]].array.any():
            return False
        zero = edit.add(constant(np.zeros_like(edit[node.inputs[2]].array), "INT32"))
        edit.redefine(node_id, replace(node, inputs=(*node.inputs[:2], zero, *node.inputs[3:])))
        return True
