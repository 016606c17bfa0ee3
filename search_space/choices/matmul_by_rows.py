"""A batch of matrix products is computed row by row for all of the batch, and summed on the convolution unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from search_space.editor import Editor
from search_space.graph import MOVE, Node, Step, TensorType, constant, move
from search_space.layout_map import LayoutMap, Shape
from search_space.passes.base import Pass
from search_space.plan import plan
from search_space.rescale_by_one import one_number, one_value, rescaled_by_one

#: Rows that are summed by one convolution.
_ROWS = 16

#: Beyond these the products would not fit in a microcontroller's SRAM, or be too many operations.
_MOST_PRODUCT_BYTES, _MOST_ROWS = 1 << 20, 256


@dataclass(frozen=True)
class MatmulByRows(Pass):
    """Source: TOSA 1.0, MATMUL. Ethos-U55 and U65 have no matrix product of two activations. Vela 5.1 multiplies the
    first operand by a row of the turned second one, to INT32, and sums that over its channels, once for each column.
    Here the heads of attention stay side by side in the channels, so that operands need not be moved or turned, the
    products are INT16, and a convolution with ones sums them faster. Where they would not fit, A's zero point is taken
    nearer to 0: (A - z)B is (A - y)B + (y - z)B, whose second term is the same for all rows.
    """

    name: ClassVar[str] = "matmul-by-rows"
    law: ClassVar[str] = "a row of a matrix product is the sum over the channels of B^T times that row of A"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "MATMUL" or any(edit[i].type.dtype != "INT8" for i in node.inputs[:2]):
            return False
        heads, rows, inner = edit[node.inputs[0]].type.shape
        columns = node.type.shape[2]
        first_zero, second_zero = (one_value(edit, i) for i in node.inputs[2:])
        if first_zero is None or second_zero is None or rows > _MOST_ROWS:
            return False
        if 2 * heads * rows * inner * columns > _MOST_PRODUCT_BYTES:
            return False
        nearer = first_zero
        if _reach(first_zero) * _reach(second_zero) > np.iinfo(np.int16).max:
            nearer = -1 if first_zero < 0 else 0
        first = _side_by_side(edit, node.inputs[0], (1, 0, 2), (1, 1, rows, heads * inner))
        # A column of pixels: its blocks are the smaller ones, and the pipeline is filled and drained for every row.
        second = _side_by_side(edit, node.inputs[1], (2, 0, 1), (1, columns, 1, heads * inner))
        sums: list[list[int]] = [[] for _ in range(heads)]
        for start in range(0, rows, _ROWS):
            some = range(start, min(start + _ROWS, rows))
            products = [_product(edit, first, row, nearer, second, second_zero) for row in some]
            joined = _joined(edit, products)
            pixels = Step("reshape", (1, len(products), columns, heads * inner))
            seen = edit.add(move(joined, edit[joined].type, (pixels,)))
            for head, part in enumerate(_parts(edit, seen, heads)):
                sums[head].append(rescaled_by_one(edit, _summed(edit, part), "INT32"))
        total = _joined(edit, [one for of_head in sums for one in of_head])
        result = move(total, edit[total].type, (Step("reshape", node.type.shape),), node.name)
        if nearer != first_zero:
            of_heads = [_summed(edit, i, second_zero, nearer - first_zero) for i in _parts(edit, second, heads)]
            rest = _joined(edit, of_heads)
            each = edit.add(move(rest, edit[rest].type, (Step("reshape", (heads, 1, columns)),)))
            result = Node("ADD", (edit.add(result), each), node.type, name=node.name)
        edit.redefine(node_id, result)
        return True


def _reach(zero_point: int) -> int:
    """How far an INT8 value can be from it."""
    return max(127 - zero_point, zero_point + 128)


def _side_by_side(edit: Editor, operand: int, perms: tuple[int, ...], shape: Shape) -> int:
    """The operand with its batch in the channels, in one go with a map that it is already."""
    node = edit[operand]
    apart = LayoutMap.transpose(node.type.shape, perms)
    layout = apart.then(LayoutMap.reshape(apart.out_shape, shape))
    assert layout is not None
    both = node.layout_map.then(layout) if node.op == MOVE else None
    source = operand if both is None else node.inputs[0]
    steps = plan(both or layout)
    return edit.add(move(source, edit[source].type, steps, node.name)) if steps else source


def _product(edit: Editor, first: int, row: int, first_zero: int, second: int, second_zero: int) -> int:
    """INT16 [1,columns,1,channels]. Each has RESCALEs of its own: Vela then takes them into the MUL."""
    channels = edit[first].type.shape[3]
    attributes = {"start": (0, 0, row, 0), "size": (1, 1, 1, channels)}
    one_row = edit.add(Node("SLICE", (first,), TensorType((1, 1, 1, channels), "INT8"), attributes))
    factors = rescaled_by_one(edit, second, "INT32", second_zero), rescaled_by_one(edit, one_row, "INT32", first_zero)
    shift = edit.add(constant(np.zeros(1, np.int8)))
    product = edit.add(Node("MUL", (*factors, shift), TensorType(edit[second].type.shape, "INT32")))
    return rescaled_by_one(edit, product, "INT16")


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


def _summed(edit: Editor, value: int, zero_point: int = 0, times: int = 1) -> int:
    """The sum over the channels of differences to the zero point, so many times (INT8), before any RESCALE."""
    *pixels, channels = edit[value].type.shape
    dtype = edit[value].type.dtype
    accumulator = "INT32" if dtype == "INT8" else "INT48"
    inputs = (
        value,
        edit.add(constant(np.full((1, 1, 1, channels), times, np.int8))),
        edit.add(one_number(0, accumulator)),
        edit.add(one_number(zero_point, dtype)),
        edit.add(one_number(0, "INT8")),
    )
    attributes = {
        "pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": accumulator,
    }  # fmt: skip
    return edit.add(Node("CONV2D", inputs, TensorType((*pixels, 1), accumulator), attributes))
