"""Matrix products of two activations as elementwise products, row by row, that a convolution sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.building.channel_sum import ChannelSum, nearer_zero_point
from search_space.building.rescale_by_one import ByOne, by_one
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, constant, move
from search_space.layout.operand import in_layout
from search_space.passes.base import Pass

#: Rows that are summed by one convolution.
_ROWS = 16

#: Beyond these the products would not fit in a microcontroller's SRAM, or be too many operations.
_MOST_PRODUCT_BYTES, _MOST_ROWS = 1 << 20, 256


@dataclass(frozen=True)
class MatmulAsMulReduce(Pass):
    """Replaces a matrix product by elementwise products and a sum over the channels.

    Source: TOSA 1.0, MATMUL. Ethos-U55 and U65 have no matrix product of two activations. For each column, Vela 5.1
    multiplies the first operand by a row of the transposed second one. It sums that over its channels. Here the heads
    of attention stay side by side in the channels, so that operands need no transposes. The products are INT16, and a
    convolution with ones sums them faster. Where they would not fit, A's zero point is taken nearer to 0: (A - z)B is
    (A - y)B + (y - z)B, whose second term is the same for all rows.

    Attributes:
        low_memory: sum each row by itself. Then only the products of one row are in memory at a time. The rows of all
            heads are then written one after the other. Where the reader needs another order, that costs a transpose.
    """

    name: ClassVar[str] = "matmul-as-mul-reduce"
    law: ClassVar[str] = "a row of a matrix product is the sum over the channels of B^T times that row of A"

    low_memory: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "MATMUL" or any(edit[i].type.dtype != "INT8" for i in node.inputs[:2]):
            return False
        heads, rows, inner = edit[node.inputs[0]].type.shape
        columns = node.type.shape[2]
        first_zero, second_zero = (uniform_value(edit, i) for i in node.inputs[2:])
        if first_zero is None or second_zero is None or rows > _MOST_ROWS:
            return False
        if 2 * heads * inner * columns * (1 if self.low_memory else rows) > _MOST_PRODUCT_BYTES:
            return False
        nearer = nearer_zero_point(first_zero, second_zero)
        first = in_layout(edit, node.inputs[0], (1, 0, 2), (1, 1, rows, heads * inner))
        # A column of pixels: its blocks are the smaller ones, and the pipeline is filled and drained for every row.
        second = in_layout(edit, node.inputs[1], (2, 0, 1), (1, columns, 1, heads * inner))
        products = _Products.of(edit, first, second, (nearer, second_zero))
        summed, narrowed = ChannelSum.of(edit, "INT16", inner), by_one(edit, "INT48", "INT32")
        sums: list[list[int]] = []
        step = 1 if self.low_memory else _ROWS
        for start in range(0, rows, step):
            some = range(start, min(start + step, rows))
            joined = _joined(edit, [products.of_row(edit, row) for row in some])
            pixels = Step("reshape", (1, len(some), columns, heads * inner))
            seen = edit.add(move(joined, edit[joined].type, (pixels,)))
            sums.append([narrowed.of(edit, summed.of_value(edit, part)) for part in _parts(edit, seen, heads)])
        total = _joined(edit, [one for row in (sums if self.low_memory else zip(*sums, strict=True)) for one in row])
        order = Step("reshape", (rows, heads, columns)), Step("transpose", (1, 0, 2))
        steps = order if self.low_memory else (Step("reshape", node.type.shape),)
        result = move(total, edit[total].type, steps, node.name)
        if nearer != first_zero:
            times = ChannelSum.of(edit, "INT8", inner, second_zero, nearer - first_zero)
            rest = _joined(edit, [times.of_value(edit, i) for i in _parts(edit, second, heads)])
            each = edit.add(move(rest, edit[rest].type, (Step("reshape", (heads, 1, columns)),)))
            result = Node("ADD", (edit.add(result), each), node.type, name=node.name)
        edit.redefine(node_id, result)
        return True


@dataclass(frozen=True)
class _Products:
    """Of one row of the first operand [1,1,rows,channels] and all of the second [1,columns,1,channels]."""

    first: int
    second: int
    widened: tuple[ByOne, ByOne]
    shift: int
    narrowed: ByOne

    @staticmethod
    def of(edit: Editor, first: int, second: int, zero_points: tuple[int, int]) -> _Products:
        widened = by_one(edit, "INT8", "INT32", zero_points[0]), by_one(edit, "INT8", "INT32", zero_points[1])
        shift = edit.add(constant(np.zeros(1, np.int8)))
        return _Products(first, second, widened, shift, by_one(edit, "INT32", "INT16"))

    def of_row(self, edit: Editor, row: int) -> int:
        """INT16 [1,columns,1,channels]. Each row has RESCALEs of its own: Vela then takes them into the MUL."""
        size = (1, 1, 1, edit[self.first].type.shape[3])
        attributes = {"start": (0, 0, row, 0), "size": size}
        one_row = edit.add(Node("SLICE", (self.first,), TensorType(size, "INT8"), attributes))
        factors = self.widened[1].of(edit, self.second), self.widened[0].of(edit, one_row)
        product = edit.add(Node("MUL", (*factors, self.shift), TensorType(edit[self.second].type.shape, "INT32")))
        return self.narrowed.of(edit, product)


def _joined(edit: Editor, values: Sequence[int]) -> int:
    """One below the other."""
    if len(values) == 1:
        return values[0]
    batch, _, *rest = edit[values[0]].type.shape
    height = sum(edit[i].type.shape[1] for i in values)
    tensor = TensorType((batch, height, *rest), edit[values[0]].type.dtype)
    return edit.add(Node("CONCAT", tuple(values), tensor, {"axis": 1}))


def _parts(edit: Editor, value: int, count: int) -> Iterator[int]:
    """The channels in so many parts."""
    tensor = edit[value].type
    size = (*tensor.shape[:3], tensor.shape[3] // count)
    for at in range(count):
        if count == 1:
            yield value
            continue
        attributes = {"start": (0, 0, 0, at * size[3]), "size": size}
        yield edit.add(Node("SLICE", (value,), TensorType(size, tensor.dtype), attributes))
