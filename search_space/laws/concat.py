"""CONCAT: the axis follows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from search_space.editor import Editor
from search_space.graph import Node
from search_space.laws.base import Carried, Law


class Concat(Law):
    """concat(map(x), map(y), axis) = map(concat(x, y, axis')). Source: TOSA 1.0, CONCAT."""

    def operands(self, node: Node) -> tuple[int, ...]:
        return tuple(range(len(node.inputs)))

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return (node.attributes["axis"],)

    def relaid(self, edit: Editor, node: Node, carried: Carried) -> Node:
        return replace(node, attributes={**node.attributes, "axis": carried.where[node.attributes["axis"]]})


LAWS: dict[str, Law] = {"CONCAT": Concat()}
