"""Folding of per-channel factors and summands into convolutions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.affine import Affine, affine, row_before
from search_space.analysis.uniform_constant import uniform_value
from search_space.building.fixed_point import multipliers_and_shifts
from search_space.building.fused_rescale import rescale_of
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, constant
from search_space.passes.base import Pass

_MOST_SUM = 1 << 31


@dataclass(frozen=True)
class FoldAffine(Pass):
    """Folds per-channel factors and summands of a convolution's input into its weights and bias.

    Source: W * (a x + b) + c = (W a) * x + (W b + c). Weights are quantised anew for each output channel, and the
    values in between are no longer rounded. LayerNorm ends so, before one projection or several. All of them are
    rewritten, or the operators before them would stay. Not where padding stands for zero, since it would have to be
    another value.
    """

    name: ClassVar[str] = "fold-affine"
    law: ClassVar[str] = "a convolution of a*x + b is one of x with its weights times a, and W*b in its bias"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "RESCALE" or node.type.dtype != "INT8" or edit.is_output(node_id):
            return False
        readers = _convolutions(edit, node_id)
        found = _farthest(edit, node_id) if readers else None
        if found is None:
            return False
        x, of_x = found
        zero = uniform_value(edit, next((edit[i].inputs[3] for i in edit.users(x) if edit[i].op == "RESCALE"), x)) or 0
        planned = [_convolved(edit, path[-1], of_x, zero) for path in readers]
        if any(one is None for one in planned):
            return False
        for path, one in zip(readers, planned, strict=True):
            assert one is not None
            _put(edit, x, zero, path, one)
        return True


@dataclass(frozen=True)
class _Planned:
    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray


def _convolutions(edit: Editor, node_id: int) -> list[list[int]]:
    """Paths from a value to all its readers, through layout transforms that keep the channels.

    Each ends with a convolution that does not pad. Empty if something else reads the value.
    """
    channels = edit[node_id].type.shape[-1:]
    ways: list[list[int]] = []
    open_ = [[reader] for reader in dict.fromkeys(edit.users(node_id))]
    while open_:
        way = open_.pop()
        node = edit[way[-1]]
        if node.op == MOVE and node.layout_map.keeps_order and node.type.shape[-1:] == channels:
            if edit.is_output(way[-1]) or not edit.users(way[-1]):
                return []
            open_ += [[*way, reader] for reader in dict.fromkeys(edit.users(way[-1]))]
        elif _takes(edit, way[-1]):
            ways.append(way)
        else:
            return []
    return ways


def _takes(edit: Editor, node_id: int) -> bool:
    node = edit[node_id]
    if node.op != "CONV2D" or any(node.attributes["pad"]) or not all(map(edit.is_constant, node.inputs[1:])):
        return False
    result = rescale_of(edit, node_id)
    if edit[node.inputs[1]].type.dtype != "INT8" or result is None or edit[result].type.dtype != "INT8":
        return False
    return edit[result].attributes["scale32"] and all(map(edit.is_constant, edit[result].inputs[1:]))


def _farthest(edit: Editor, node_id: int) -> tuple[int, Affine] | None:
    """The int8 value farthest back of which this one is an affine function, channel by channel, and which one."""
    found = None
    x = row_before(edit, node_id)
    while x is not None:
        of_x = affine(edit, node_id, x)
        if of_x is None or of_x.total.any():
            break
        found = x, of_x
        x = row_before(edit, x)
    return found


def _convolved(edit: Editor, node_id: int, of_x: Affine, zero: int) -> _Planned | None:
    """The convolution of x; zero: that is subtracted from it."""
    node = edit[node_id]
    result = rescale_of(edit, node_id)
    assert result is not None
    weights, bias, of_data, of_weights = (edit[i].array.astype(np.float64) for i in node.inputs[1:])
    weights = weights - of_weights
    scaled = weights * of_x.own
    summand = (weights * (of_x.own * zero + of_x.offset - of_data)).sum((1, 2, 3)) + bias
    units = np.abs(scaled).max((1, 2, 3)) / 127
    units = np.where(units == 0, 1.0, units)
    rounded = np.rint(scaled / units[:, None, None, None])
    offsets = np.rint(summand / units)
    multiplier, shift = (edit[i].array.astype(np.float64) for i in edit[result].inputs[1:3])
    scales = multipliers_and_shifts(multiplier * 2.0**-shift * units)
    if scales is None or (np.abs(offsets) + 255 * np.abs(rounded).sum((1, 2, 3))).max() >= _MOST_SUM:
        return None
    return _Planned(rounded.astype(np.int8), offsets.astype(np.int32), *scales)


def _put(edit: Editor, x: int, zero: int, way: list[int], planned: _Planned) -> None:
    *moves, conv_id = way
    conv, result = edit[conv_id], rescale_of(edit, conv_id)
    assert result is not None
    data = x
    for move_id in moves:
        data = edit.add(replace(edit[move_id], inputs=(data,)))
    constants = (
        planned.weights, planned.bias, np.array([zero], np.int8), np.zeros(1, np.int8),
    )  # fmt: skip
    sums = edit.add(replace(conv, inputs=(data, *(edit.add(constant(one)) for one in constants))))
    rescale: Node = edit[result]
    scales = (edit.add(constant(one)) for one in (planned.multipliers, planned.shifts))
    attributes = {**rescale.attributes, "per_channel": True}
    edit.redefine(result, replace(rescale, inputs=(sums, *scales, *rescale.inputs[3:]), attributes=attributes))
