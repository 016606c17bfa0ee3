"""Constants whose elements are all equal."""

from __future__ import annotations

import numpy as np

from search_space.ir.dtypes import NUMPY
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST


def uniform_value(edit: Editor, node_id: int) -> int | None:
    """The value of a constant whose elements are all equal.

    Args:
        edit: the graph under change.
        node_id: id of any node.

    Returns:
        The value, or None if the node is no such integer constant.
    """
    node = edit[node_id]
    if node.op != CONST or node.type.dtype not in NUMPY or not node.type.elements:
        return None
    flat = node.array.ravel()
    return int(flat[0]) if np.issubdtype(flat.dtype, np.integer) and (flat == flat[0]).all() else None
