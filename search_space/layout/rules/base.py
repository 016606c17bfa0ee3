"""The base class of propagation rules.

A rule is what must be known of an operator to move a layout map through it.

A rule covers an operator's data: some operands and the result. They have one rank. Their sizes are equal, except where
the operator changes a dimension or broadcasts an operand. A map may pass if it keeps these dimensions whole. What it
does to the others does not matter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import ClassVar

from search_space.ir.dtypes import IMMOVABLE
from search_space.ir.editor import Editor
from search_space.ir.graph import Node
from search_space.ir.layout_map import LayoutMap, Shape

#: Operators into which Vela fuses the RESCALE that follows them.
ACCUMULATING = frozenset(("CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "MATMUL", "TRANSPOSE_CONV2D"))

#: The rank up to which Vela takes every operator.
MOST_DIMENSIONS = 4

#: Cached results of `carry`: the same few shapes and maps meet in all programs of a model.
_KEPT = 1 << 13


@dataclass(frozen=True)
class Carried:
    """An operator on data in another layout.

    Attributes:
        operands, result: for each data operand and the result, the map from new to old layout.
        where: dimension that the operator refers to -> the same dimension in the new layout.
    """

    operands: tuple[LayoutMap, ...]
    result: LayoutMap
    where: Mapping[int, int]


class PropagationRule(ABC):
    """How a layout map moves through one kind of operator.

    Attributes:
        may_split_dimensions: the rule may split a dimension that a map merges with others. It then merges all the
            others.
    """

    may_split_dimensions: ClassVar[bool] = False

    def operands(self, node: Node) -> tuple[int, ...]:
        """Positions of the data operands; the other operands are parameters and have no layout."""
        return (0,)

    def shapes(self, edit: Editor, node: Node) -> list[Shape]:
        """The shapes of the data operands and, last, of the result, all of one rank.

        Args:
            edit: the graph under change.
            node: the operator.

        Returns:
            The shapes.
        """
        return [*(edit[node.inputs[p]].type.shape for p in self.operands(node)), node.type.shape]

    @abstractmethod
    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        """The dimensions that the operator's attributes and parameters refer to.

        Args:
            edit: the graph under change.
            node: the operator.

        Returns:
            Their indices.
        """

    def readable(self, layout: LayoutMap, sizes: Mapping[int, int]) -> LayoutMap | None:
        """Adapt a map's input shape to what the operator can read.

        Args:
            layout: the map.
            sizes: sizes of the dimensions that the operator refers to.

        Returns:
            The map from an input shape that the operator can read, or None if there is none.
        """
        if not self.may_split_dimensions or layout.keeps_order or layout.resized(sizes) is not None:
            return layout
        exposed = layout.exposing(sizes)
        return exposed if exposed is not None and len(exposed.in_shape) <= MOST_DIMENSIONS else None

    @abstractmethod
    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node | None:
        """Adapt the operator's attributes and parameters to the new layout.

        The caller sets the data operands and the shape of the result.

        Args:
            edit: the graph under change.
            node: the operator.
            carried: the new layout.

        Returns:
            The adapted operator, or None if that is not possible.
        """

    def result(self, node: Node, carried: Carried) -> LayoutMap:
        """The map from the new result to the old one.

        Args:
            node: the operator.
            carried: the new layout.

        Returns:
            The map.
        """
        return carried.result

    def hoistable(self, edit: Editor, node: Node) -> bool:
        """Whether maps may also move from the result to the operands.

        Args:
            edit: the graph under change.
            node: the operator.

        Returns:
            True if they may.
        """
        return True


def carry(rule: PropagationRule, edit: Editor, node: Node, at: int, layout: LayoutMap) -> Carried | None:
    """The layout of an operator's data if a map moves through it.

    Args:
        rule: the operator's propagation rule.
        edit: the graph under change.
        node: the operator.
        at: the data tensor that the map is at, as in `PropagationRule.shapes`; -1 is the result.
        layout: the map from the new layout of that tensor to its present one.

    Returns:
        The layout of all data, or None if the map may not pass.
    """
    if node.type.dtype in IMMOVABLE or len(layout.in_shape) > max(len(layout.out_shape), MOST_DIMENSIONS):
        return None
    return _carried(rule, tuple(rule.shapes(edit, node)), tuple(rule.dimensions(edit, node)), at, layout)


@lru_cache(maxsize=_KEPT)
def _carried(
    rule: PropagationRule, shapes: tuple[Shape, ...], dimensions: tuple[int, ...], at: int, layout: LayoutMap
) -> Carried | None:
    # One element is broadcast along everything there is.
    free = [prod(shape) == 1 < prod(shapes[-1]) for shape in shapes]
    if free[at]:
        return None
    bound = [shape for shape, one in zip(shapes, free, strict=True) if not one]
    named = {*dimensions, *_different(bound)}
    seen = rule.readable(layout, {d: bound[0][d] for d in named})
    if seen is None:
        return None
    layout = seen
    maps: list[LayoutMap] = []
    where: Mapping[int, int] = {}
    for shape, one in zip(shapes, free, strict=True):
        if one:
            maps.append(LayoutMap.reshape((1,) * len(layout.in_shape), shape))
            continue
        resized = layout.resized({d: shape[d] for d in named})
        if resized is None:
            return None
        maps.append(resized.layout)
        where = resized.where
    # A dimension of size 1 is moved for nothing, one that has grown is not: what was free would have a price.
    if layout.keeps_order and not all(one.keeps_order for one in maps):
        return None
    return Carried(tuple(maps[:-1]), maps[-1], where)


def _different(shapes: Sequence[Shape]) -> list[int]:
    return [d for d, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
