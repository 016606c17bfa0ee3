"""Sums over height or width by halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.analysis.largest_value import largest_value
from search_space.analysis.pixel_sums import added, sliced, sums_pixels
from search_space.ir.dtypes import integer_range
from search_space.ir.editor import Editor
from search_space.passes.base import Pass


@dataclass(frozen=True)
class TreeReduceSum(Pass):
    """Reduces height or width by halves with ADD.

    Source: arithmetic; no partial sum leaves INT32 if the sum of as many largest values does not. Vela 5.1 transposes
    for a REDUCE_SUM of rows or columns, and reads halves of them in place. This is profitable on Ethos-U55.
    """

    name: ClassVar[str] = "tree-reduce-sum"
    law: ClassVar[str] = "a sum over height or width is the sum of the elementwise sum of both halves"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if not sums_pixels(node):
            return False
        total, axis = node.inputs[0], node.attributes["axis"]
        count, largest = edit[total].type.shape[axis], largest_value(edit, total)
        if count == 1 or largest is None or count * largest > integer_range("INT32")[1]:
            return False
        rest = []
        while count > 1:
            if count % 2:
                rest.append(sliced(edit, total, axis, count - 1, 1, node.name))
            count //= 2
            first, second = (sliced(edit, total, axis, start, count, node.name) for start in (0, count))
            total = added(edit, first, second, node.name)
        for one in rest:
            total = added(edit, total, one, node.name)
        edit.replace_uses(node_id, total)
        return True
