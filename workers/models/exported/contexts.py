"""Parts of a program that run under `torch.no_grad` or `torch.autocast`.

torch.export puts such a part into a graph of its own. ExecuTorch's quantisers do not look into that, so its operators
would stay float and on the CPU. Gradients do not change what is computed, so these parts belong into the program's own
graph. The same holds for an autocast that is off or for a device other than the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node
    from torch.nn import Module

#: Name of the operator -> how many arguments say what the context is, before the graph of the part and its inputs.
_CONTEXTS = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}


def has_contexts(program: ExportedProgram) -> bool:
    """Whether some part of a program runs in a context, in graphs inside its graph as well."""
    return any(True for _ in _parts(program.graph_module))


def autocast_fault(program: ExportedProgram) -> str:
    """Why a program's element types are not known before it runs, and what to do.

    Args:
        program: as torch.export gives it.

    Returns:
        As in `computes under torch.autocast ...`; empty if no autocast takes effect on the CPU.
    """
    for _, node in _parts(program.graph_module):
        device, dtype, enabled, *_ = (*node.args, None, None)
        if _name(node) == "wrap_with_autocast" and enabled and device == "cpu":
            return (
                f"computes under torch.autocast in {dtype}, which the quantiser does not look into; leave it out of "
                "forward, or give it enabled=False"
            )
    return ""


def without_contexts(program: ExportedProgram) -> Module:
    """A module that computes what a program does, without the contexts of its parts.

    Args:
        program: without an `autocast_fault`.

    Returns:
        To be exported anew, on the program's inputs.
    """
    module = program.module(check_guards=False)
    for owner, node in list(_parts(module)):
        node.args = node.args[_CONTEXTS[_name(node)] :]
        node.target = _called
        owner.recompile()
    return module


def _called(part: Callable[..., Any], *inputs: Any) -> Any:
    return part(*inputs)


def _parts(module: Module) -> Iterator[tuple[GraphModule, Node]]:
    from torch.fx import GraphModule

    for owner in module.modules():
        if isinstance(owner, GraphModule):
            for node in owner.graph.nodes:
                if node.op == "call_function" and _name(node) in _CONTEXTS:
                    yield owner, node


def _name(node: Node) -> str:
    from torch._ops import HigherOrderOperator

    return node.target.name() if isinstance(node.target, HigherOrderOperator) else ""
