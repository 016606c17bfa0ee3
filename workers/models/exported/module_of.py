"""Which module of the user's model an operator comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.fx import Node


def module_of(node: Node) -> str:
    """The innermost module that called an operator, as in `encoder.0.conv`.

    Args:
        node: of an exported program, or of one that was lowered from it.

    Returns:
        The module's name; the node's name if the operator is in no module, or that is not known.
    """
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    name = str(stack[-1][0]) if stack else ""
    return name.removeprefix("L['self'].") or node.name
