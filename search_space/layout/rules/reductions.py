"""REDUCE_* and ARGMAX: the axis follows."""

from __future__ import annotations

from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import Node
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.rules.along_axis import AlongAxis
from search_space.layout.rules.base import Carried, PropagationRule


class Reduce(AlongAxis):
    """reduce(map(x), axis) = map(reduce(x, axis')). Source: TOSA 1.0, reduction operators; the reduced dimension stays,
    with size 1."""

    may_split_dimensions: ClassVar[bool] = True


class Argmax(Reduce):
    """As Reduce, with the dimension gone from the result.

    Of equals the first along the axis wins in any layout.

    Source: TOSA 1.0, ARGMAX.
    """

    def shapes(self, edit: Editor, node: Node) -> list[Shape]:
        axis, shape = node.attributes["axis"], node.type.shape
        return [edit[node.inputs[0]].type.shape, (*shape[:axis], 1, *shape[axis:])]

    def result(self, node: Node, carried: Carried) -> LayoutMap:
        axis, layout = node.attributes["axis"], carried.result
        new_axis = carried.where[axis]
        before = layout.in_shape[:new_axis] + layout.in_shape[new_axis + 1 :]
        return LayoutMap.of(before, node.type.shape, layout.atoms, layout.order)

    def hoistable(self, edit: Editor, node: Node) -> bool:
        return False


_REDUCTIONS = ("REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PRODUCT", "REDUCE_SUM")
RULES: dict[str, PropagationRule] = {**dict.fromkeys(_REDUCTIONS, Reduce()), "ARGMAX": Argmax()}
