"""The RESCALE that an accumulating operator and its result are one operation with."""

from __future__ import annotations

from search_space.ir.editor import Editor


def rescale_of(edit: Editor, node_id: int) -> int | None:
    """The id of the RESCALE that alone reads the value, if that is who reads it. Vela fuses it into the operator; what
    gives the value another shape must not come between them."""
    if not edit.used_once(node_id):
        return None
    reader = edit.users(node_id)[0]
    return reader if edit[reader].op == "RESCALE" and edit[reader].inputs[0] == node_id else None
