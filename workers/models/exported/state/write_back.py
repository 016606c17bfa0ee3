"""Buffers that hand their values on to each other, which ExecuTorch 1.5.1 does not write back rightly.

A lowered program gives the new values of its buffers as outputs. ExecuTorch writes a `.pte` that copies them, one after
the other, at the end of a run (exir/passes/insert_write_back_for_buffers_pass.py). It makes no copy where the new value
is what another buffer held at the start. It takes any buffer for the one that is written. Where the new value is a view
of another buffer, the copy may come after that buffer's own. What is given back as it was at the start of the run is
overwritten by then, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Operators of the edge dialect whose results share memory with their first operand in a `.pte`.
_VIEWS = ("aten.view_copy", "aten.squeeze_copy", "aten.unsqueeze_copy", "aten.alias_copy")


def misplaced_values(program: ExportedProgram) -> list[str]:
    """Buffers whose values a `.pte` of a program puts elsewhere than the program does.

    Args:
        program: lowered, before it is written.

    Returns:
        They are in the order of its outputs, as `new to old` and `state to an output`. With the former, buffer `old`
        gets what buffer `new` holds.
    """
    return list(_misplaced(program))


def _misplaced(program: ExportedProgram) -> Iterator[str]:
    from torch.export.graph_signature import OutputKind

    held = program.graph_signature.inputs_to_buffers
    written = set(program.graph_signature.buffers_to_mutate.values())
    done: set[str] = set()
    results = cast("tuple[Node, ...]", program.graph.output_node().args[0])
    for value, spec in zip(results, program.graph_signature.output_specs, strict=True):
        start = held.get(_memory(value).name, "") if hasattr(value, "op") else ""
        if spec.kind == OutputKind.BUFFER_MUTATION:
            if start and start != spec.target and (value.op == "placeholder" or start in done):
                yield f"{start} to {spec.target}"
            done.add(str(spec.target))
        elif spec.kind == OutputKind.USER_OUTPUT and start in written:
            yield f"{start} to an output"


def _memory(value: Node) -> Node:
    while str(value.target).removeprefix("executorch.exir.dialects.edge._ops.").startswith(_VIEWS):
        value = cast("Node", value.args[0])
    return value
