"""Unpacking of int4 weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node, constant
from search_space.passes.base import Pass

_CONVOLUTIONS = frozenset(("CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "TRANSPOSE_CONV2D"))

#: The places of weights, and of their zero point, among the operands of each. Source: TOSA 1.0.
_PLACES = (1, 4)


@dataclass(frozen=True)
class Int4AsInt8(Pass):
    """Stores int4 weights as int8.

    The NPU multiplies int8 by int8, and its weight stream is as long as the values need: Vela 5.1 compiles both to the
    same bytes. But two int4 values share a byte, and no other rewrite of weights handles them.
    """

    name: ClassVar[str] = "int4-as-int8"
    law: ClassVar[str] = "weights of 4 bits are weights of 8 bits with the same values"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op not in _CONVOLUTIONS:
            return False
        weights = [edit[node.inputs[place]] for place in _PLACES]
        if any(one.type.dtype != "INT4" or one.op != CONST for one in weights):
            return False
        inputs = list(node.inputs)
        for place in _PLACES:
            inputs[place] = edit.add(_unpacked(edit[node.inputs[place]]))
        edit.redefine(node_id, replace(node, inputs=tuple(inputs)))
        return True


def _unpacked(node: Node) -> Node:
    """Source: TOSA 1.0, serialisation: the first of two elements is in the lower half of the byte."""
    pairs = np.frombuffer(node.payload, np.uint8)
    halves = np.stack((pairs & 15, pairs >> 4), axis=-1).reshape(-1)[: node.type.elements]
    values = (halves.astype(np.int8) ^ 8) - 8
    return constant(values.reshape(node.type.shape).astype(np.int8), name=node.name)
