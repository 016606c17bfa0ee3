"""PAD, SLICE, TILE and REVERSE: what is done along a dimension follows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from search_space.ir.editor import Editor
from search_space.ir.graph import Node
from search_space.layout.rules.along_axis import AlongAxis
from search_space.layout.rules.base import Carried, PropagationRule


class _Alongside(PropagationRule):
    """op(map(x), along d) = map(op(x, along d')). Source: TOSA 1.0, data layout operators."""

    may_split_dimensions: ClassVar[bool] = True

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node:
        rank = len(carried.operands[0].in_shape)
        named = {carried.where[d]: d for d in self.dimensions(edit, node)}
        attributes = self._attributes(node.attributes, [named.get(d) for d in range(rank)], carried)
        return replace(node, attributes={**node.attributes, **attributes})

    def _attributes(self, attributes: Mapping[str, Any], old: list[int | None], carried: Carried) -> dict[str, Any]:
        """The changed attributes. old: for each new dimension the old one, None where the operator does nothing along
        it."""
        raise NotImplementedError


class Pad(_Alongside):
    """padding: pairs of sizes before and after."""

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        padding = node.attributes["padding"]
        return [d for d in range(len(padding) // 2) if padding[2 * d] or padding[2 * d + 1]]

    def _attributes(self, attributes: Mapping[str, Any], old: list[int | None], carried: Carried) -> dict[str, Any]:
        padding = attributes["padding"]
        return {"padding": tuple(p for d in old for p in ((0, 0) if d is None else padding[2 * d : 2 * d + 2]))}


class Slice(_Alongside):
    """start and size of the part that is taken."""

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        whole = edit[node.inputs[0]].type.shape
        return [d for d, size in enumerate(node.type.shape) if size != whole[d]]

    def _attributes(self, attributes: Mapping[str, Any], old: list[int | None], carried: Carried) -> dict[str, Any]:
        start = tuple(0 if d is None else attributes["start"][d] for d in old)
        return {"start": start, "size": carried.result.in_shape}


class Tile(_Alongside):
    """multiples: how often."""

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return [d for d, times in enumerate(node.attributes["multiples"]) if times != 1]

    def _attributes(self, attributes: Mapping[str, Any], old: list[int | None], carried: Carried) -> dict[str, Any]:
        return {"multiples": tuple(1 if d is None else attributes["multiples"][d] for d in old)}


class Reverse(AlongAxis):
    """axis: the one dimension that is turned round. Source: TOSA 1.0, REVERSE."""

    may_split_dimensions: ClassVar[bool] = True


RULES: dict[str, PropagationRule] = {"PAD": Pad(), "REVERSE": Reverse(), "SLICE": Slice(), "TILE": Tile()}
