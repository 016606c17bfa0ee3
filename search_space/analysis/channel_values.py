"""What operators on single elements make of values, one result for each channel: the last dimension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from search_space.analysis.constant_evaluation import Values, values_of
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE

_DATA_OPERANDS = {"ADD": 2, "CLAMP": 1, "MUL": 2, "RESCALE": 1, "SUB": 2}


def channel_values(edit: Editor, node_id: int, known: Mapping[int, Values]) -> Values | None:
    """[channels, values] or [1, values] of the value, [channels, 1] or [1, 1] of one that constants alone give.

    known: [1, values] of the values that it is computed from. None where it is computed from others, by operators that
    are not known here, or from constants that are neither one number nor one for each channel.
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
