"""The RESCALE that Vela fuses into the operator before it."""

from __future__ import annotations

from search_space.ir.editor import Editor


def rescale_of(edit: Editor, node_id: int) -> int | None:
    """Find the RESCALE that Vela fuses into an operator: the single user of its result.

    A rewrite must not put a change of shape between the two.

    Args:
        edit: the graph under change.
        node_id: id of the operator.

    Returns:
        The id of the RESCALE, or None.
    """
    if not edit.used_once(node_id):
        return None
    reader = edit.users(node_id)[0]
    return reader if edit[reader].op == "RESCALE" and edit[reader].inputs[0] == node_id else None
