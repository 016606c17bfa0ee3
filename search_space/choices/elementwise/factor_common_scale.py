"""Sums of values with a common power of two as a factor, which is applied after the sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, constant
from search_space.passes.base import Pass

_SUMS = frozenset(("ADD", "SUB"))
_BITS = {"INT8": 8, "INT16": 16}


@dataclass(frozen=True)
class FactorCommonScale(Pass):
    """Moves a common power of two of both operands of a sum into the RESCALE after it.

    Source: arithmetic; TOSA 1.0, RESCALE, whose rounded shift to the right removes any number of zeros. ExecuTorch
    scales both operands of a quantised sum by 2^19. On Ethos-U55, Vela 5.1 compiles such a sum to one operation if the
    scales differ or are one. If they are equal and not one, it needs four to six.
    """

    name: ClassVar[str] = "factor-common-scale"
    law: ClassVar[str] = "rescale(2^k*a + 2^k*b, shift) is rescale(a + b, shift - k)"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if not _rescales(edit, node) or not edit.used_once(node.inputs[0]):
            return False
        total = edit[node.inputs[0]]
        if total.op not in _SUMS:
            return False
        operands = [edit[i] for i in total.inputs]
        powers = [power for one in operands if (power := _power(edit, one)) is not None]
        if len(powers) < len(operands) or not edit.is_constant(node.inputs[2]):
            return False
        common = min(powers)
        # A RESCALE wants values below 2^(shift - 1), and a difference to a zero point and a sum have a bit more each.
        bits = max(_BITS[edit[one.inputs[0]].type.dtype] for one in operands) + max(powers) - common + 2
        shifts = edit[node.inputs[2]].array - common
        if common <= 0 or shifts.min() < bits:
            return False
        scaled = [_scaled(edit, one, power - common) for one, power in zip(operands, powers, strict=True)]
        lower = edit.add(constant(shifts.astype(np.int8)))
        added = edit.add(replace(total, inputs=tuple(scaled)))
        edit.redefine(node_id, replace(node, inputs=(added, node.inputs[1], lower, *node.inputs[3:])))
        return True


def _rescales(edit: Editor, node: Node) -> bool:
    """A RESCALE of signed values that rounds once."""
    attributes = node.attributes
    if node.op != "RESCALE" or attributes["rounding_mode"] != "SINGLE_ROUND":
        return False
    return not attributes["input_unsigned"] and not attributes["output_unsigned"]


def _power(edit: Editor, node: Node) -> int | None:
    """k of a RESCALE of small values to INT32 by 2^k."""
    if not _rescales(edit, node) or node.type.dtype != "INT32" or edit[node.inputs[0]].type.dtype not in _BITS:
        return None
    multiplier, shift, zero = (uniform_value(edit, node.inputs[at]) for at in (1, 2, 4))
    if multiplier is None or shift is None or zero != 0 or multiplier <= 0 or multiplier & (multiplier - 1):
        return None
    return multiplier.bit_length() - 1 - shift


def _scaled(edit: Editor, node: Node, power: int) -> int:
    """The RESCALE by 2^power."""
    parameters = constant(np.array([1 << 30], np.int32)), constant(np.array([30 - power], np.int8))
    attributes = {**node.attributes, "scale32": True, "per_channel": False}
    inputs = (node.inputs[0], *map(edit.add, parameters), *node.inputs[3:])
    return edit.add(replace(node, inputs=inputs, attributes=attributes))
