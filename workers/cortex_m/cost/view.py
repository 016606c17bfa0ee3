"""Reads a lowered program: which kernel every operator calls, and with what sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.operator import OperatorCall
from workers.cortex_m.cost.reading.arithmetic import ARITHMETIC
from workers.cortex_m.cost.reading.kernels import KERNELS
from workers.cortex_m.cost.reading.movement import MOVEMENT
from workers.cortex_m.cost.reading.nodes import dtype_of, operator_of, shape_of

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Views of an image in another order of axes, see `workers.cortex_m.lowering.image_order`.
IMAGE_VIEWS = ("as_nhwc", "as_nchw")

#: Operators that are no instruction of the file: views are made when it is loaded, buffers planned, tuples taken apart.
ELIDED = frozenset({"view_copy", "alloc", "getitem", *IMAGE_VIEWS})


_READERS = {**KERNELS, **MOVEMENT, **ARITHMETIC}


def operator_calls(program: ExportedProgram) -> list[OperatorCall]:
    """The instructions of a lowered program, in order."""
    nodes = (node for node in program.graph.nodes if node.op == "call_function")
    calls = ((node, operator_of(node)) for node in nodes)
    return [_operator_call(node, name) for node, name in calls if name not in ELIDED]


def _operator_call(node: Node, name: str) -> OperatorCall:
    call = call_of(node)
    return OperatorCall(node.name, name, call, () if call is not None else _arguments(node))


def _arguments(node: Node) -> tuple[str, ...]:
    """A call's arguments, without the names of nodes."""
    from torch.utils import _pytree as pytree

    return tuple(map(_described, pytree.tree_leaves((node.args, dict(node.kwargs)))))


def _described(argument: Any) -> str:
    if hasattr(getattr(argument, "meta", {}).get("val"), "shape"):
        return f"{dtype_of(argument)}{list(shape_of(argument))}"
    return str(argument)


def call_of(node: Node) -> KernelCall | None:
    """The kernel that an operator of a lowered program calls; None where none was counted for it."""
    reader = _READERS.get(operator_of(node))
    return reader(node) if reader else None


def results_of(program: ExportedProgram) -> list[Any]:
    """What a program gives its caller, in order: nodes, and numbers or None where an output is one. The buffers that it
    writes to, which its graph gives as well, are left out."""
    from torch.export.graph_signature import OutputKind

    given: Any = program.graph.output_node().args[0]
    specs = program.graph_signature.output_specs
    return [one for one, spec in zip(given, specs, strict=True) if spec.kind is OutputKind.USER_OUTPUT]


def output_shapes(program: ExportedProgram) -> list[tuple[int, ...]]:
    """The shapes of the tensors among what a program gives its caller."""
    return [shape_of(one) for one in results_of(program) if hasattr(getattr(one, "meta", {}).get("val"), "shape")]
