"""A copy that Vela does not remove: a TABLE that maps every value to itself."""

from __future__ import annotations

import numpy as np

from search_space.ir.editor import Editor
from search_space.ir.graph import Node, constant

_EVERY_INT8 = np.arange(-128, 128, dtype=np.int8)


def copy_by_table(edit: Editor, value: int, name: str = "") -> Node:
    """Make a TABLE that copies an int8 value.

    Args:
        edit: the graph under change.
        value: id of the value.
        name: name of the node, for people.

    Returns:
        The node, which is not added yet.
    """
    return Node("TABLE", (value, edit.add(constant(_EVERY_INT8))), edit[value].type, name=name)
