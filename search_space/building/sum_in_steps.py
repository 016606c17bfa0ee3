"""Sums of int8 values over more pixels than one kernel of the NPU covers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from math import ceil, prod

import numpy as np

from search_space.analysis.largest_value import INT8_REACH
from search_space.analysis.pixel_sums import added, sliced, summed
from search_space.building.convolution import MOST_ROWS, MOST_STRIDE, MOST_TAPS, MOST_WIDTH
from search_space.building.new_convolution import depthwise_convolved
from search_space.ir.dtypes import integer_range
from search_space.ir.editor import Editor
from search_space.ir.graph import Step, move
from search_space.ir.layout_map import Shape

#: Number of int8 differences whose sum always fits INT32.
MOST_VALUES = integer_range("INT32")[1] // INT8_REACH

#: Places of a kernel. One convolution with fewer leaves too many sums to add.
_FEWEST_TAPS = MOST_ROWS // 2

#: Parts of an image, each of which is an operation. For more parts, one convolution and a REDUCE_SUM of rows is faster,
#: although Vela 5.1 transposes for the latter.
_FEW_PARTS = 8


@dataclass(frozen=True)
class SumInSteps:
    """INT32 sums of data - zero point along axes: sums of windows, which are then added.

    Source: TOSA 1.0, DEPTHWISE_CONV2D, and arithmetic. No partial sum leaves INT32 if there are at most MOST_VALUES
    values.

    Attributes:
        data: id of int8 [N,H,W,C].
        zero_points: ids of the zero points of the data and of the weights, which is 0.
        name: of new nodes, for people.
    """

    edit: Editor
    data: int
    zero_points: tuple[int, int]
    name: str = ""

    def along(self, axes: Collection[int]) -> int:
        """Add the sums along axes 1, 2 or both.

        Args:
            axes: the axes.

        Returns:
            The id of the sums, INT32 with size 1 along the axes.
        """
        _, height, width, _ = self.edit[self.data].type.shape
        if {1, 2} == {*axes, *(axis for axis, size in ((1, height), (2, width)) if size == 1)}:
            return self._of_all_pixels()
        return self._of_rows() if 1 in axes else self._of_parts(2)

    def _of_all_pixels(self) -> int:
        batch, height, width, channels = self.edit[self.data].type.shape
        count = height * width
        kernels = (
            (rows, columns) for rows in _divisors(count, MOST_ROWS) for columns in _divisors(count // rows, MOST_STRIDE)
        )
        rows, columns = max(kernels, key=lambda kernel: (prod(kernel), kernel))
        left = count // (rows * columns)
        if rows * columns >= _FEWEST_TAPS and left * columns <= MOST_WIDTH:
            seen = self._seen_as(self.data, (batch, rows, left * columns, channels))
            sums = self._windows(seen, (rows, columns), (1, columns))
            return summed(self.edit, sums, 2, self.name) if left > 1 else sums
        if height == 1 or width == 1:
            row = self._seen_as(self.data, (batch, 1, count, channels))
            return replace(self, data=row)._of_parts(2)
        if height > MOST_ROWS:
            return summed(self.edit, self._of_parts(1), 2, self.name)
        return self._of_parts(2, height)

    def _of_rows(self) -> int:
        batch, height, width, channels = self.edit[self.data].type.shape
        rows = max(_divisors(height, MOST_ROWS))
        left = height // rows
        if height <= _FEW_PARTS * MOST_ROWS or rows < _FEWEST_TAPS or left * width > MOST_WIDTH:
            return self._of_parts(1)
        seen = self._seen_as(self.data, (batch, rows, left * width, channels))
        sums = self._seen_as(self._windows(seen, (rows, 1)), (batch, left, width, channels))
        return summed(self.edit, sums, 1, self.name)

    def _of_parts(self, axis: int, across: int = 1) -> int:
        """Along an axis, and over `across` pixels of the other one: slices, with a kernel for each."""
        shape = self.edit[self.data].type.shape
        size, most = shape[axis], MOST_ROWS if axis == 1 else MOST_TAPS // across
        count = ceil(size / most)
        sums = []
        for start, end in pairwise(size * at // count for at in range(count + 1)):
            part = sliced(self.edit, self.data, axis, start, end - start, self.name)
            sums.append(self._windows(part, (end - start, across) if axis == 1 else (across, end - start)))
        return reduce(lambda one, other: added(self.edit, one, other, self.name), sums)

    def _windows(self, data: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> int:
        channels = self.edit[data].type.shape[3]
        ones, bias = np.ones((*kernel, channels, 1), np.int8), np.zeros(channels, np.int32)
        return depthwise_convolved(self.edit, data, ones, bias, self.zero_points, stride, self.name)

    def _seen_as(self, value: int, shape: Shape) -> int:
        tensor = self.edit[value].type
        if tensor.shape == shape:
            return value
        return self.edit.add(move(value, tensor, (Step("reshape", shape),), self.name))


def _divisors(number: int, most: int) -> list[int]:
    return [divisor for divisor in range(1, most + 1) if number % divisor == 0]
