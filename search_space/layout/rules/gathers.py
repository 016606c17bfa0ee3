"""GATHER and SCATTER: entries are picked along one dimension, wherever it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import prod

import numpy as np

from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.ir.layout_map import LayoutMap
from search_space.layout.rules.base import Carried, PropagationRule

_BATCH, _PICKED = 0, 1
_INDICES = 1


class Gather(PropagationRule):
    """gather(map(x), i) = map(gather(x, i')), in the new layout along the same dimension.

    The operator reads [N,K,C] and picks along K, for each n by indices of its own. A map passes if it keeps K whole and
    N in its place. Where the indices are the same for every n, the parts before and after K may change places. They do
    not if that would pick shorter runs than those of C. Each run is a copy.

    Source: TOSA 1.0, GATHER. ExecuTorch 1.5.1 gives it for `index_select` and the like, on Ethos-U85.
    """

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return (_PICKED,) if _one_row(edit, node.inputs[_INDICES]) is not None else (_BATCH, _PICKED)

    def readable(self, layout: LayoutMap, sizes: Mapping[int, int]) -> LayoutMap | None:
        """Adapt a map's input to [product before K, K, product after it].

        Args:
            layout: the map.
            sizes: sizes of the dimensions that the operator refers to.

        Returns:
            The map from an input of this shape, or None if it cuts K.
        """
        pieces = layout.pieces
        if layout.keeps_order or pieces is None:
            return None
        picked = pieces.of_outputs[_PICKED]
        if not picked:  # one entry: it may be anywhere
            batch = pieces.of_outputs[_BATCH]
            if batch != tuple(range(len(batch))):
                return None
            before = layout.out_shape[_BATCH]
        elif picked == tuple(range(picked[0], picked[-1] + 1)):
            before = prod(pieces.atoms[: picked[0]])
        else:
            return None
        entries = layout.out_shape[_PICKED]
        after = prod(layout.out_shape) // (before * entries)
        return LayoutMap.of((before, entries, after), layout.out_shape, layout.atoms, layout.order)

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node | None:
        if any(place != dimension for dimension, place in carried.where.items()):
            return None
        rows, before = carried.operands[0].in_shape[_BATCH], edit[node.inputs[_INDICES]].type.shape[_BATCH]
        if rows == before:
            return node
        indices = _rows(edit, node.inputs[_INDICES], rows) if rows < before else None
        if indices is None:
            return None
        return replace(node, inputs=(*node.inputs[:_INDICES], indices, *node.inputs[_INDICES + 1 :]))


class Scatter(Gather):
    """As Gather. The entries that are put in, [N,W,C], have the layout of the data. Source: TOSA 1.0, SCATTER."""

    def operands(self, node: Node) -> tuple[int, ...]:
        return (0, 2)


def _one_row(edit: Editor, indices: int) -> int | Node | None:
    """The indices of every n, [1,W], where they are the same; else None."""
    node = edit[indices]
    if node.type.shape[_BATCH] == 1:
        return indices
    if node.op == "TILE" and node.attributes["multiples"] == (node.type.shape[_BATCH], 1):
        return node.inputs[0]
    if not edit.is_constant(indices) or (node.array != node.array[:1]).any():
        return None
    return constant(node.array[:1], node.type.dtype, node.name)


def _rows(edit: Editor, indices: int, count: int) -> int | None:
    """The id of `count` equal rows of indices; None if the rows differ."""
    row = _one_row(edit, indices)
    if row is None:
        return None
    if isinstance(row, Node):
        return edit.add(constant(np.repeat(row.array, count, axis=0), row.type.dtype, row.name))
    if count == 1:
        return row
    old = edit[indices]
    repeated = TensorType((count, old.type.shape[1]), old.type.dtype)
    return edit.add(replace(old, type=repeated, attributes={"multiples": (count, 1)}))


RULES: dict[str, PropagationRule] = {"GATHER": Gather(), "SCATTER": Scatter()}
