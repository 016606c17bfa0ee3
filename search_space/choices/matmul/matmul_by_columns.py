"""Matrix products of two activations column by column: elementwise products that a convolution sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.building.channel_sum import ChannelSum, nearer_zero_point
from search_space.building.fused_rescale import rescale_of
from search_space.building.rescale_by_one import by_one
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, constant, move
from search_space.layout.operand import in_layout
from search_space.passes.base import Pass

#: Channels that the NPU computes at a time.
_LANES = 8

#: INT16 products of so many columns take the SRAM that Vela's INT32 products of one take.
_GROUP = 2

#: From here on, products of one column are enough for a convolution.
_GROUP_BYTES = 48 << 10

#: Beyond these a product would be too many operations.
_MOST_COLUMNS = 256


@dataclass(frozen=True)
class MatmulByColumns(Pass):
    """Replaces a batch of matrix products by elementwise products for each column, summed over the channels.

    Source: TOSA 1.0, MATMUL. Ethos-U55 and U65 have no matrix product of two activations. Vela 5.1 multiplies the first
    operand by a row of the transposed second one, to INT32. It sums that by REDUCE_SUM. Here the products are INT16,
    half of the bytes. A convolution with ones sums those of several columns at a time. The batch stays in the height,
    as Vela has it. So no operand needs another layout than for MATMUL, and few products are in memory at a time.
    (`matmul-as-mul-reduce` has the batch in the channels.)

    Where products would not fit INT16, A's zero point is taken nearer to 0: (A - z)B is (A - y)B + (y - z)B, whose
    second term is the same for all rows.

    The product is rescaled a few columns at a time, so that few INT32 sums are in memory.

    Attributes:
        fused: rescale the sums of each convolution by themselves, which Vela then does in the convolution. Where
            Ethos-U85 would scale them wrongly (`search_space.building.miscompiled.wide_scales`), the product is left
            alone. Without the option the sums of two convolutions or more are joined first, so that nothing is fused.
    """

    name: ClassVar[str] = "matmul-by-columns"
    law: ClassVar[str] = "a column of a matrix product is the sum over the channels of A times that row of B^T"

    fused: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "MATMUL" or any(edit[i].type.dtype != "INT8" or edit.is_constant(i) for i in node.inputs[:2]):
            return False
        batch, rows, inner = edit[node.inputs[0]].type.shape
        columns = node.type.shape[2]
        first_zero, second_zero = (uniform_value(edit, i) for i in node.inputs[2:])
        if first_zero is None or second_zero is None or not 1 < columns <= _MOST_COLUMNS:
            return False
        # Microblocks have two columns, some two rows. In a narrow shape, blocks are smaller: the next one is read while
        # one is computed.
        height, width = (rows // 2, 2) if batch == 1 and rows % 2 == 0 else (batch, rows)
        first = in_layout(edit, node.inputs[0], (0, 1, 2), (1, height, width, inner))
        second = in_layout(edit, node.inputs[1], (0, 2, 1), (1, batch, columns, inner))
        nearer = nearer_zero_point(first_zero, second_zero)
        summed = _Sums(edit, first, second, (nearer, second_zero))
        rest = None
        if nearer != first_zero:
            times = ChannelSum.of(edit, "INT8", inner, second_zero, nearer - first_zero).of_value(edit, second)
            rest = edit.add(move(times, edit[times].type, (Step("reshape", (1, batch, 1, columns)),), node.name))
        last = rescale_of(edit, node_id)
        if last is not None and edit[last].attributes["per_channel"]:
            last = None
        group = _GROUP if _GROUP * 2 * batch * rows * inner <= _GROUP_BYTES else 1
        alone = self.fused and last is not None and rest is None
        parts = []
        for part_of in _runs(range(columns), group if alone else columns if last is None else _LANES):
            count = 1 if alone else max(2, -(-len(part_of) // group))
            part = _joined(edit, [summed.of(run) for run in _runs(part_of, -(-len(part_of) // count))])
            if rest is not None:
                part = edit.add(Node("ADD", (part, _entries(edit, rest, part_of)), edit[part].type, name=node.name))
            if last is not None:
                rescale = edit[last]
                result = TensorType(edit[part].type.shape, rescale.type.dtype)
                part = edit.add(replace(rescale, inputs=(part, *rescale.inputs[1:]), type=result))
            parts.append(part)
        whole = _joined(edit, parts)
        goal = node_id if last is None else last
        edit.redefine(goal, move(whole, edit[whole].type, (Step("reshape", node.type.shape),), edit[goal].name))
        return True


class _Sums:
    """Sums over the channels of products of A [1,height,width,inner] and rows of B^T [1,batch,columns,inner]."""

    def __init__(self, edit: Editor, first: int, second: int, zero_points: tuple[int, int]) -> None:
        self._edit, self._first, self._second = edit, first, second
        self._widened = [by_one(edit, "INT8", "INT32", zero) for zero in zero_points]
        self._shift = edit.add(constant(np.zeros(1, np.int8)))
        self._narrowed, self._back = by_one(edit, "INT32", "INT16"), by_one(edit, "INT48", "INT32")
        self._convolutions: dict[int, ChannelSum] = {}

    def of(self, columns: Sequence[int]) -> int:
        """INT32 [1,height,width,columns]."""
        edit, inner = self._edit, self._edit[self._first].type.shape[3]
        products = _joined(edit, [self._product(column) for column in columns])
        count = len(columns)
        if count not in self._convolutions:
            self._convolutions[count] = ChannelSum.of(edit, "INT16", inner, groups=count)
        return self._back.of(edit, self._convolutions[count].of_value(edit, products))

    def _product(self, column: int) -> int:
        """INT16 [1,height,width,inner]. Each has RESCALEs of its own: Vela then takes them into the MUL."""
        edit, tensor = self._edit, self._edit[self._first].type
        _, batch, _, inner = edit[self._second].type.shape
        attributes = {"start": (0, 0, column, 0), "size": (1, batch, 1, inner)}
        row = edit.add(Node("SLICE", (self._second,), TensorType(attributes["size"], "INT8"), attributes))
        factors = self._widened[0].of(edit, self._first), self._widened[1].of(edit, row)
        product = edit.add(Node("MUL", (*factors, self._shift), TensorType(tensor.shape, "INT32")))
        return self._narrowed.of(edit, product)


def _joined(edit: Editor, values: Sequence[int]) -> int:
    """Side by side in the channels."""
    if len(values) == 1:
        return values[0]
    shape = (*edit[values[0]].type.shape[:3], sum(edit[i].type.shape[3] for i in values))
    return edit.add(Node("CONCAT", tuple(values), TensorType(shape, edit[values[0]].type.dtype), {"axis": 3}))


def _entries(edit: Editor, value: int, channels: Sequence[int]) -> int:
    """Some neighbouring channels."""
    tensor = edit[value].type
    size = (*tensor.shape[:3], len(channels))
    if size == tensor.shape:
        return value
    attributes = {"start": (0, 0, 0, channels[0]), "size": size}
    return edit.add(Node("SLICE", (value,), TensorType(size, tensor.dtype), attributes))


def _runs(numbers: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """The numbers in runs of about the same length, which is at most `most`."""
    count = -(-len(numbers) // most)
    ends = [len(numbers) * at // count for at in range(count + 1)]
    return (numbers[start:end] for start, end in pairwise(ends))
