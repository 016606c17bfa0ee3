"""Upper limits of INT32 values that are computed from int8 ones."""

from __future__ import annotations

import numpy as np

from search_space.analysis.rescale_by_one import shifted_only
from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, MOVE, Node

#: Largest difference of two int8 values.
INT8_REACH = 255


def largest_value(edit: Editor, node_id: int) -> int | None:
    """An upper limit of the absolute values of an INT32 tensor.

    Source: TOSA 1.0. Known are RESCALE by one of int8 values, depthwise convolutions with constant weights, and sums.

    Args:
        edit: the graph under change.
        node_id: id of the tensor.

    Returns:
        The limit, or None if it is not known.
    """
    node = edit[node_id]
    if node.op == "DEPTHWISE_CONV2D":
        return _of_convolution(edit, node)
    if node.op == "RESCALE":
        narrow = edit[node.inputs[0]].type.dtype == "INT8" and shifted_only(edit, node)
        return INT8_REACH if narrow else None
    if node.op not in ("ADD", "REDUCE_SUM", "SLICE", MOVE):
        return None
    of_operands = [largest_value(edit, i) for i in node.inputs]
    known = [one for one in of_operands if one is not None]
    if len(known) < len(of_operands):
        return None
    return sum(known) * (edit[node.inputs[0]].type.elements // node.type.elements if node.op == "REDUCE_SUM" else 1)


def _of_convolution(edit: Editor, node: Node) -> int | None:
    data, weights, bias, _, zero_point = node.inputs
    if edit[data].type.dtype != "INT8" or edit[weights].op != CONST or edit[bias].op != CONST:
        return None
    if edit[weights].type.dtype != "INT8" or uniform_value(edit, zero_point) != 0:
        return None
    of_weights = np.abs(edit[weights].array.astype(np.int64)).sum((0, 1)).max()
    of_bias = np.abs(edit[bias].array.astype(np.int64)).max()
    return INT8_REACH * int(of_weights) + int(of_bias)
