"""Which operators of a program a processor computes in another way than Python.

A difference grows on its way through a program. One float on the border of two steps changes all that comes after it.
So Python computes every operator from the values that the processor itself computed before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind, OutputSpec, TensorArgument
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree

from workers.cortex_m.check.differences import differing, gap
from workers.cortex_m.check.execute import AsKernels, outputs_anew, outputs_of
from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import ELIDED, results_of
from workers.cortex_m.lowering.copied import copied
from workers.cortex_m.lowering.write import written
from workers.cortex_m.run.runner import given_by
from workers.cortex_m.target import InstructionSet

#: Their results are no values of their own.
_NO_RESULT = ELIDED - {"getitem"}


@dataclass(frozen=True)
class Computed:
    """A value that a processor computed, beside what Python makes of the processor's own values before it.

    Attributes:
        name: of the operator in the graph, with a number if it has several results.
        in_float: whether its operator gives floats.
        values: how many there are.
        differing: how many of them have other bits.
        gap: the largest difference.
        largest: the largest absolute value that Python computes.
    """

    name: str
    in_float: bool
    values: int
    differing: int
    gap: float
    largest: float


def traced(
    command: Sequence[str], lowered: ExportedProgram, inputs: tuple[Any, ...], instruction_set: InstructionSet,
    timeout_seconds: float,
) -> list[Computed]:  # fmt: skip
    """Have a program run that also gives all values between its operators.

    Its file is another one. It takes more memory, since no memory of a value is used again.

    Args:
        command, timeout_seconds: as of `run_by`.
        lowered: the program.
        inputs: of one inference.
        instruction_set: of the processor.

    Returns:
        All values of the program, in order.

    Raises:
        ModelError: as `run_by`, or the file cannot be written.
    """
    telling = with_all_results(lowered)
    names = [one.name for one in results_of(telling) if isinstance(one, Node)]
    like = outputs_of(telling, inputs, instruction_set)
    with tempfile.TemporaryDirectory(prefix="velatune-runner-") as folder:
        _, found = given_by(command, written(telling).content, inputs, like, Path(folder), timeout_seconds)
    return compared(lowered, inputs, dict(zip(names, found, strict=True)), instruction_set)


def with_all_results(lowered: ExportedProgram) -> ExportedProgram:
    """A copy of a program that gives the results of all its operators, behind its own outputs."""
    program = copied(lowered)
    given: Any = program.graph.output_node()
    outputs = given.args[0]
    more = [node for node in program.graph.nodes if node not in outputs and _has_result(node)]
    given.args = ((*outputs, *more),)
    given.meta["val"] = tuple(getattr(one, "meta", {}).get("val", one) for one in given.args[0])
    specs = [OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(name=one.name), None) for one in more]
    program.graph_signature.output_specs.extend(specs)
    (called, *_) = program.module_call_graph
    assert called.signature is not None
    called.signature.out_spec = pytree.tree_structure(tuple(results_of(program)))
    return program


def compared(
    lowered: ExportedProgram, inputs: tuple[Any, ...], found: Mapping[str, torch.Tensor],
    instruction_set: InstructionSet,
) -> list[Computed]:  # fmt: skip
    """What Python computes of a processor's own values, beside what the processor made of them.

    Args:
        lowered: the program.
        inputs: of one inference.
        found: name of a value -> what a processor computed.
        instruction_set: of the processor.

    Returns:
        Values that operators give, in program order.
    """
    module = lowered.module(check_guards=False)
    interpreter = _FromFound(module, instruction_set, found)
    outputs_anew(module, inputs, interpreter)
    return interpreter.computed


def _has_result(node: Node) -> bool:
    return (
        node.op == "call_function"
        and operator_of(node) not in _NO_RESULT
        and isinstance(node.meta.get("val"), torch.Tensor)
    )


def _shown(node: Node) -> str:
    if operator_of(node) != "getitem":
        return node.name
    operator, number = node.args
    return f"{operator}[{number}]"


class _FromFound(AsKernels):
    """Computes every operator from values that were found before it."""

    def __init__(self, module: GraphModule, instruction_set: InstructionSet, found: Mapping[str, torch.Tensor]) -> None:
        super().__init__(module, instruction_set)
        self._found = found
        self.computed: list[Computed] = []

    def run_node(self, n: Node) -> Any:
        value = super().run_node(n)
        found = self._found.get(n.name) if n.op == "call_function" else None
        if found is None:
            return value
        largest = float(value.double().abs().max()) if value.numel() else 0.0
        off = differing(found, value), gap(found, value)
        self.computed.append(Computed(_shown(n), value.is_floating_point(), value.numel(), *off, largest))
        return found
