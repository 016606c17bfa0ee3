"""Programs that were exported between the two halves of a quantiser's work: prepared, and not converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

#: In names of operators that quantise and return floating point, and of the modules that call them.
_FAKE, _FAKE_MODULE = ("fake_quant", "_fq_helper"), "FakeQuantize"

#: Modules that only watch a value, and the packages that have them.
_OBSERVER, _PACKAGES = "Observer", ("torch.ao.quantization.", "torchao.quantization.")


def prepared_operator(program: ExportedProgram) -> str | None:
    """Find what a quantiser's preparation has put into a program.

    Args:
        program: the exported program.

    Returns:
        The first such operator with what it belongs to, as in `aten.max (a MinMaxObserver)`; None if there is none.
    """
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        name = str(node.target).rpartition(".")[0]
        if any(part in name for part in _FAKE):
            return f"{name} ({node.name})"
        if module := _watcher(node):
            return f"{name} (a {module})"
    return None


def _watcher(node: Node) -> str | None:
    """Name of the class of the observer or fake quantisation that a node was traced in."""
    for _, kind in (node.meta.get("nn_module_stack") or {}).values():
        path = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        name = path.rpartition(".")[2]
        if path.startswith(_PACKAGES) and (name.endswith(_OBSERVER) or _FAKE_MODULE in name):
            return name
    return None
