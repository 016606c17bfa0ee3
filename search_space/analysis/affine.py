"""Affine functions that operators compute of one value's elements, as real numbers.

Rounding is ignored. So is saturation, except where it stands for an activation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node
from search_space.ir.layout_map import Shape

_LOW, _HIGH = -128, 127


@dataclass(frozen=True)
class Affine:
    """own * x + total * (sum of x over the channels) + offset, for an int8 value x as stored.

    Attributes:
        own, total, offset: float64, [1] or [channels], where the channels are the last dimension.
        rows: the result has one element for each row of channels.
    """

    own: np.ndarray
    total: np.ndarray
    offset: np.ndarray
    rows: bool = False

    def times(self, factor: np.ndarray) -> Affine:
        """Multiply by a factor."""
        return Affine(self.own * factor, self.total * factor, self.offset * factor, self.rows)

    def plus(self, other: Affine, sign: int = 1) -> Affine:
        """Add another affine function of the same value.

        Args:
            other: the function that is added.
            sign: 1 to add it, -1 to subtract it.

        Returns:
            The sum or difference. It has one element for each row only if both have.
        """
        own, total = self.own + sign * other.own, self.total + sign * other.total
        return Affine(own, total, self.offset + sign * other.offset, self.rows and other.rows)

    def within(self, channels: int) -> tuple[np.ndarray, np.ndarray]:
        """The range of the function over all int8 x: lower and upper ends, float64 [1] or [channels]."""
        ends = [part * end for part in (self.own, channels * self.total) for end in (_LOW, _HIGH)]
        low = np.minimum(ends[0], ends[1]) + np.minimum(ends[2], ends[3])
        high = np.maximum(ends[0], ends[1]) + np.maximum(ends[2], ends[3])
        return low + self.offset, high + self.offset

    def equals(self, other: Affine | None) -> bool:
        """Whether both are the same function."""
        mine, others = ((one.own, one.total, one.offset) if one is not None else () for one in (self, other))
        return bool(others) and all(np.array_equal(a, b) for a, b in zip(mine, others, strict=True))

    @property
    def is_constant(self) -> bool:
        return not self.own.any() and not self.total.any()


def affine(edit: Editor, result: int, source: int) -> Affine | None:
    """Express a value as an affine function of another one.

    A RESCALE that saturates at its zero point stands for an activation: its result is not affine. A RESCALE that
    saturates elsewhere does so at the end of an estimated range. That saturation is ignored.

    Args:
        edit: the graph under change.
        result: id of the value that is expressed.
        source: id of the int8 value that the function is of.

    Returns:
        The function, or None if `result` is not known to be affine in `source`.
    """
    return _Reader(edit, source).of(result)


def row_before(edit: Editor, node_id: int) -> int | None:
    """Find the nearest int8 value of the same shape that a RESCALE's result is computed from.

    The search follows the operand that is neither constant nor broadcast.

    Args:
        edit: the graph under change.
        node_id: id of the RESCALE.

    Returns:
        The id of the value, or None if there is none.
    """
    shape = edit[node_id].type.shape
    while True:
        inner = edit[node_id]
        if inner.op not in ("ADD", "SUB", "MUL", "RESCALE"):
            return None
        operands = inner.inputs[: 1 if inner.op == "RESCALE" else 2]
        whole = [i for i in operands if edit[i].type.shape == shape and not edit.is_constant(i)]
        if not whole or len(set(whole)) > 1:
            return None
        node_id = whole[0]
        if edit[node_id].type.dtype == "INT8":
            return node_id


class _Reader:
    def __init__(self, edit: Editor, source: int) -> None:
        self._edit, self._source = edit, source
        self._shape: Shape = edit[source].type.shape
        self._channels = self._shape[-1]

    def of(self, node_id: int) -> Affine | None:
        node = self._edit[node_id]
        if node_id == self._source:
            return Affine(np.ones(1), np.zeros(1), np.zeros(1))
        if node.op == "CONST":
            return self._constant(node)
        if node.op == "RESCALE":
            return self._rescaled(node)
        if node.op == "REDUCE_SUM":
            return self._summed(node)
        if node.op == MOVE:
            inner = self.of(node.inputs[0]) if node.layout_map.keeps_order else None
            if inner is None or inner.rows:
                return inner
            one_each = node.type.shape[-1:] == (self._channels,) and node.type.elements == self._channels
            return inner if inner.is_constant and one_each else None
        if node.op not in ("ADD", "SUB", "MUL"):
            return None
        one, other = (self.of(i) for i in node.inputs[:2])
        if one is None or other is None:
            return None
        if node.op != "MUL":
            return one.plus(other, 1 if node.op == "ADD" else -1)
        shift = self._edit[node.inputs[2]]
        if shift.op != "CONST" or shift.array.any() or not (one.is_constant or other.is_constant):
            return None
        return one.times(other.offset) if other.is_constant else other.times(one.offset)

    def _constant(self, node: Node) -> Affine | None:
        each = node.type.shape[-1:] == (self._channels,)
        if node.type.dtype not in NUMPY or node.type.elements not in (1, self._channels if each else 1):
            return None
        values = node.array.ravel().astype(np.float64)
        return Affine(np.zeros(1), np.zeros(1), values, rows=node.type.elements == 1)

    def _summed(self, node: Node) -> Affine | None:
        data = self._edit[node.inputs[0]].type.shape
        inner = self.of(node.inputs[0])
        if inner is None or data != self._shape or node.attributes["axis"] != len(data) - 1:
            return None
        if inner.total.any() or inner.own.size > 1:
            return None
        offset = np.array([float(np.broadcast_to(inner.offset, self._channels).sum())])
        return Affine(np.zeros(1), inner.own, offset, rows=True)

    def _rescaled(self, node: Node) -> Affine | None:
        inner = self.of(node.inputs[0])
        parameters = [self._edit[i] for i in node.inputs[1:]]
        unsigned = node.attributes["input_unsigned"] or node.attributes["output_unsigned"]
        if inner is None or unsigned or any(one.op != "CONST" or one.type.dtype not in NUMPY for one in parameters):
            return None
        multiplier, shift, zero, new_zero = (one.array.astype(np.float64) for one in parameters)
        result = inner.plus(Affine(np.zeros(1), np.zeros(1), -zero, True)).times(multiplier * 2.0**-shift)
        result = result.plus(Affine(np.zeros(1), np.zeros(1), new_zero, True))
        if node.type.dtype == "INT8":
            low, high = result.within(self._channels)
            least, most = integer_range("INT8")
            if (new_zero == least and low.min() < least - 1) or (new_zero == most and high.max() > most + 1):
                return None
        return result
