"""Evaluation of elementwise operators with one result for each channel, the last dimension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from search_space.analysis.constant_evaluation import Values, values_of
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE

_DATA_OPERANDS = {"ADD": 2, "CLAMP": 1, "MUL": 2, "RESCALE": 1, "SUB": 2}


def channel_values(edit: Editor, node_id: int, known: Mapping[int, Values]) -> Values | None:
    """Evaluate a value for given values of what it is computed from, channel by channel.

    Args:
        edit: the graph under change.
        node_id: id of the value.
        known: id of a source -> its values, int64 [1, values].

    Returns:
        int64 [channels, values] or [1, values]; [channels, 1] or [1, 1] where constants alone determine the value. None
        if the value depends on other sources or on operators that are not known here. None also if it depends on
        constants that are neither one number nor one for each channel.
    """
    shape = edit[node_id].type.shape
    return _values(edit, node_id, known, shape[-1] if shape else 1)


def _values(
    edit: Editor, node_id: int, known: Mapping[int, Values], channels: int, reshaped: bool = False
) -> Values | None:
    """reshaped: the channels are whatever dimension of this value there is."""
    if node_id in known:
        return known[node_id]
    node = edit[node_id]
    one_each = node.type.elements == channels and (reshaped or node.type.shape[-1:] == (channels,))
    if edit.is_constant(node_id):
        return node.array.reshape(-1, 1).astype(np.int64) if one_each or node.type.elements == 1 else None
    if node.op == MOVE:
        return _values(edit, node.inputs[0], {}, channels, True) if one_each and node.layout_map.keeps_order else None
    count = _DATA_OPERANDS.get(node.op)
    if count is None:
        return None
    operands = [_values(edit, i, known, channels, reshaped) for i in node.inputs[:count]]
    if any(one is None for one in operands) or not all(map(edit.is_constant, node.inputs[count:])):
        return None
    return values_of(node, [one for one in operands if one is not None], [edit[i] for i in node.inputs[count:]])
