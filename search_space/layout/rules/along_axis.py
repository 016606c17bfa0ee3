"""Operators with one attribute `axis`, which follows the map."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from search_space.ir.editor import Editor
from search_space.ir.graph import Node
from search_space.layout.rules.base import Carried, PropagationRule


class AlongAxis(PropagationRule):
    """op(map(x), axis) = map(op(x, axis')), where axis' is the same dimension before the map."""

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return (node.attributes["axis"],)

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node:
        return replace(node, attributes={**node.attributes, "axis": carried.where[node.attributes["axis"]]})
