"""The calls of delegates in a lowered program, their blobs, and the inputs that reach them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from search_space.tosa_file.reader import read_tosa
from workers.checking.reference import run_reference
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.models.exported.tensors import as_arrays

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node

DelegateInputs = tuple[tuple[np.ndarray, ...], ...]
"""Some input tuples of one delegate."""


@dataclass(frozen=True, eq=False)
class CalledDelegate:
    """What a delegate was given and what it gave, as its TOSA program has both."""

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """One run of a lowered program.

    Attributes:
        calls: of the delegates of its main graph, in program order.
        outputs: of the program.
    """

    calls: tuple[CalledDelegate, ...]
    outputs: tuple[np.ndarray, ...]


def graph_modules(top: "GraphModule") -> "Iterator[GraphModule]":
    """The program itself, then the branches and bodies of its control flow."""
    from torch.fx import GraphModule

    return (module for module in top.modules() if isinstance(module, GraphModule))


def delegate_calls(module: "GraphModule") -> "list[Node]":
    """The calls of delegates in one graph, in program order."""
    from executorch.exir.delegate import executorch_call_delegate

    return [node for node in module.graph.nodes if node.target is executorch_call_delegate]


def delegates(top: "GraphModule") -> "Iterator[tuple[Node, bytes]]":
    """Calls of delegates and their TOSA flatbuffers, in program order, those inside control flow last."""
    for module in graph_modules(top):
        for call in delegate_calls(module):
            delegate: Any = getattr(module, str(cast("Node", call.args[0]).target))
            yield call, bytes(delegate.processed_bytes)


def recorded_run(module: "GraphModule", inputs: tuple[Any, ...]) -> RecordedRun:
    """Run a lowered program on the CPU, from the state that it has, and record it.

    Args:
        module: of the program, with TOSA flatbuffers as blobs.
        inputs: of the program.

    Returns:
        What its delegates and itself gave.

    Raises:
        ReferenceFailed: the reference model does not run a delegate.
    """
    calls: list[CalledDelegate] = []

    def record(call: "Node", arrays: tuple[np.ndarray, ...]) -> Sequence[np.ndarray]:
        delegate: Any = getattr(module, str(cast("Node", call.args[0]).target))
        outputs = run_reference(read_tosa(bytes(delegate.processed_bytes)), arrays)
        calls.append(CalledDelegate(arrays, tuple(outputs)))
        return outputs

    outputs = as_arrays(run_lowered(module, inputs, run=record))
    return RecordedRun(tuple(calls), tuple(outputs))


def recorded_inputs(program: "ExportedProgram", samples: Sequence[tuple[Any, ...]]) -> list[DelegateInputs]:
    """Run the lowered program on the CPU and record the inputs of each delegate of its main graph.

    Args:
        program: lowered, with TOSA flatbuffers as blobs.
        samples: tuples of the program's inputs.

    Returns:
        For each delegate, one tuple of arrays per sample.

    Raises:
        ReferenceFailed: the reference model does not run a delegate.
    """
    module = program.module(check_guards=False)
    calls = delegate_calls(module)
    recorded: list[list[tuple[np.ndarray, ...]]] = [[] for _ in calls]

    def record(call: "Node", arrays: tuple[np.ndarray, ...]) -> bool:
        recorded[calls.index(call)].append(arrays)
        return call is not calls[-1]  # what the last delegate computes reaches no other

    for sample in samples:
        run_lowered(module, sample, record)
    return [tuple(inputs) for inputs in recorded]
