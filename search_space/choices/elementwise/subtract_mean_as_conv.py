"""Subtraction of the channels' mean as a 1x1 convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from search_space.analysis.affine import Affine, affine, row_before
from search_space.analysis.uniform_constant import uniform_value
from search_space.building.fixed_point import multipliers_and_shifts
from search_space.building.new_convolution import convolved
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import Step, TensorType, constant, move
from search_space.passes.base import Pass

#: Largest distance of the factors from integers, relative to the largest: ExecuTorch's multipliers have 31 bits.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class SubtractMeanAsConv(Pass):
    """Source: x_i - (x_1 + ... + x_C) / C is 1/C of the sum of C - 1 times x_i and -1 times the others. These weights
    are whole numbers, up to 128 channels. ExecuTorch rounds the sum to int8, the mean to int8, and their difference.
    Here the difference alone is rounded. LayerNorm begins so, and ExecuTorch computes it twice: both become one. Vela
    does a sum over channels, a product and INT32 differences for one operation of the convolution unit.
    """

    name: ClassVar[str] = "subtract-mean-as-conv"
    law: ClassVar[str] = "x minus the mean of its channels is a 1x1 convolution of x with weights C - 1 and -1"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "RESCALE" or node.type.dtype != "INT8" or edit[node.inputs[0]].op != "SUB":
            return False
        x, zero = row_before(edit, node_id), uniform_value(edit, node.inputs[4])
        if x is None or zero is None or len(node.type.shape) < 2:
            return False
        found = affine(edit, node_id, x)
        if found is None or found.own.size > 1 or found.offset.size > 1 or not found.total.any():
            return False
        unit, channels = abs(found.total), node.type.shape[-1]
        other = np.sign(found.total)
        exact = found.own / unit + other
        same = np.rint(exact)
        scales = multipliers_and_shifts(unit)
        if abs(same - exact) > _TOLERANCE * abs(exact) or abs(same) > 127 or scales is None:
            return False
        weights = np.full((channels, channels), other) + np.eye(channels) * (same - other)
        of_x = _zero_point(edit, x)
        rest = found.offset - zero + (found.own + channels * found.total) * of_x
        bias = np.full(channels, np.rint(rest / unit)[0]).astype(np.int32)
        image = _image(node.type.shape)
        data = x if image == node.type.shape else edit.add(move(x, node.type, (Step("reshape", image),)))
        zeros = edit.add(constant(np.array([of_x], np.int8))), edit.add(constant(np.zeros(1, np.int8)))
        sums = convolved(edit, data, weights.astype(np.int8).reshape(channels, 1, 1, channels), bias, zeros)
        inputs = (sums, *(edit.add(constant(one)) for one in scales), *node.inputs[3:])
        attributes = {**node.attributes, "scale32": True, "per_channel": False}
        result = replace(node, inputs=inputs, type=TensorType(image, "INT8"), attributes=attributes)
        for twin in _twins(edit, node_id, x, found):
            edit.replace_uses(twin, node_id)
        if image == node.type.shape:
            edit.redefine(node_id, result)
        else:
            moved = move(edit.add(result), result.type, (Step("reshape", node.type.shape),), node.name)
            edit.redefine(node_id, moved)
        return True


def _twins(edit: Editor, node_id: int, x: int, found: Affine) -> list[int]:
    """Nodes that compute the same of one value. Two RESCALEs of one convolution would be operations of their own."""
    differences = (sub for wide in edit.users(x) for sub in edit.users(wide) if edit[sub].op == "SUB")
    results = dict.fromkeys(result for sub in differences for result in edit.users(sub))
    return [
        i
        for i in results
        if i != node_id
        and not edit.is_output(i)
        and edit[i].op == "RESCALE"
        and edit[i].type == edit[node_id].type
        and found.equals(affine(edit, i, x))
    ]


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Rank 4 with one image: further dimensions are rows."""
    pixels = (1, prod(shape[:-2]), *shape[-2:-1]) if len(shape) > 2 else (1, 1, prod(shape[:-1]))
    return (*pixels, shape[-1])


def _zero_point(edit: Editor, x: int) -> int:
    """The zero point that a RESCALE of x subtracts."""
    found = (uniform_value(edit, edit[i].inputs[3]) for i in edit.users(x) if edit[i].op == "RESCALE")
    return next((zero for zero in found if zero is not None), 0)
