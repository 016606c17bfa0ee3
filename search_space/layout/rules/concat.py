"""CONCAT: the axis follows."""

from __future__ import annotations

from search_space.ir.graph import Node
from search_space.layout.rules.along_axis import AlongAxis
from search_space.layout.rules.base import PropagationRule


class Concat(AlongAxis):
    """concat(map(x), map(y), axis) = map(concat(x, y, axis')). Source: TOSA 1.0, CONCAT."""

    def operands(self, node: Node) -> tuple[int, ...]:
        return tuple(range(len(node.inputs)))


RULES: dict[str, PropagationRule] = {"CONCAT": Concat()}
