"""What passes note at operators of an exported program for those that come after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.fx import Node

#: Passes keep what is in this entry of a node's meta: it is where torch lets users put things of their own.
_CUSTOM = "custom"

#: The number of the layer that an operator is in.
LAYER = "velatune_layer"

#: A clamp that static quantisation rounds behind.
QUANTISE_BEHIND = "velatune_quantise_behind"

#: The names of the fusion patterns that are not taken at an operator that anchors a match of them.
UNFUSED = "velatune_unfused"


def mark(node: Node, name: str, value: object = True) -> None:
    """Note something at an operator.

    Args:
        node: of any exported program.
        name: of the note, one of this file.
        value: what is noted.
    """
    node.meta[_CUSTOM] = {**node.meta.get(_CUSTOM, {}), name: value}


def noted(node: Node, name: str) -> Any:
    """Read a note.

    Args:
        node, name: as of `mark`.

    Returns:
        What was noted; None if nothing was.
    """
    return node.meta.get(_CUSTOM, {}).get(name)


def is_marked(node: Node, name: str) -> bool:
    """Look for a note.

    Args:
        node, name: as of `mark`.

    Returns:
        Whether something was noted.
    """
    return noted(node, name) is not None
