"""What operators in place change for others.

Tensors can share memory with what they write to, and the next run can read it.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node


def writes_for_others(program: ExportedProgram) -> list[Node]:
    """Operators in place whose effect is not in their result alone.

    Args:
        program: as torch.export gives it.

    Returns:
        Those that write to a buffer, or to memory that is read later by another name. An example is `y[:, :2].mul_(2)`
        where y is read afterwards. In program order.
    """
    nodes = list(program.graph.nodes)
    held = program.graph_signature.inputs_to_buffers
    found = []
    for at, node in enumerate(nodes):
        if is_in_place(node):
            memory = memory_of(node)
            if memory.name in held or any(_reads_by_another_name(one, node, memory) for one in nodes[at + 1 :]):
                found.append(node)
    return found


def is_in_place(node: Node) -> bool:
    """Whether an operator writes to its first argument."""
    alias = _first_alias(node)
    return alias is not None and bool(alias.is_write)


def memory_of(value: Node) -> Node:
    """The node whose memory a view, or the result of an operator in place, shares."""
    *_, last = _names(value)
    return last


def _reads_by_another_name(reader: Node, write: Node, memory: Node) -> bool:
    if _is_view(reader) and not is_in_place(reader):
        return False  # its own readers count
    names = (list(_names(one)) for one in reader.all_input_nodes)
    return any(chain[-1] is memory and write not in chain for chain in names)


def _is_view(node: Node) -> bool:
    return _first_alias(node) is not None or node.target is operator.getitem


def _names(value: Node) -> Iterator[Node]:
    """A node, what it is a view of, and so on."""
    yield value
    while _is_view(value):
        value = cast("Node", value.args[0])
        yield value


def _first_alias(node: Node) -> Any:
    """What the schema says of the memory of the first argument; None if the operator takes it for itself."""
    arguments = getattr(getattr(node.target, "_schema", None), "arguments", ())
    return arguments[0].alias_info if arguments and node.args else None
