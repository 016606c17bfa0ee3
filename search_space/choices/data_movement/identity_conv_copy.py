"""Copies into a CONCAT by convolutions with an identity matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.building.new_convolution import convolved, depthwise_convolved
from search_space.building.rescale_by_one import rescaled_by_one
from search_space.ir.editor import Editor
from search_space.ir.graph import INPUT, MOVE
from search_space.passes.base import Pass

#: Where operands of a CONCAT come from that Vela 5.1 copies even if nothing else reads them: no operation writes them.
_NOT_WRITTEN = frozenset((INPUT, MOVE, "SLICE"))

#: Channels up to which products with zeros take no longer than writing the results.
_MOST_FULL = 48


@dataclass(frozen=True)
class IdentityConvCopy(Pass):
    """Lets a convolution write operands of a CONCAT that Vela would copy.

    Source: Vela 5.1 lets an operation write to its place in a CONCAT if nothing else reads the result. It copies all
    other operands. The NPU copies half as many elements per cycle as a convolution writes (rates of Vela's cost
    models). Data with few channels is copied in bricks of 16, too.

    TOSA 1.0, CONV2D and DEPTHWISE_CONV2D with zero points 0. RESCALE by one returns what fits into int8.
    """

    name: ClassVar[str] = "identity-conv-copy"
    law: ClassVar[str] = "a 1x1 convolution with an identity matrix, rescaled by one, returns its data"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "CONCAT" or node.type.dtype != "INT8" or len(node.type.shape) != 4:
            return False
        inputs = tuple(_copied(edit, one) if _is_copied(edit, one) else one for one in node.inputs)
        if inputs == node.inputs:
            return False
        edit.redefine(node_id, replace(node, inputs=inputs))
        return True


def _is_copied(edit: Editor, operand: int) -> bool:
    return not edit.is_constant(operand) and (edit[operand].op in _NOT_WRITTEN or not edit.used_once(operand))


def _copied(edit: Editor, operand: int) -> int:
    node = edit[operand]
    channels = node.type.shape[3]
    bias = np.zeros(channels, np.int32)
    if channels <= _MOST_FULL:
        identity = np.eye(channels, dtype=np.int8).reshape(channels, 1, 1, channels)
        sums = convolved(edit, operand, identity, bias, name=node.name)
    else:
        sums = depthwise_convolved(edit, operand, np.ones((1, 1, channels, 1), np.int8), bias, name=node.name)
    return rescaled_by_one(edit, sums, "INT8")
