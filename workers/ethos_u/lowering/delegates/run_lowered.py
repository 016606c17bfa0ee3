"""Runs a lowered program on this machine.

The TOSA reference model runs its delegates, PyTorch what is between them.

ExecuTorch's portable kernels do the same arithmetic as PyTorch in single precision. On a target, a last bit may differ.
The causes are C library functions such as exp and tanh, and the order of long float sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from search_space.tosa_file.reader import read_tosa
from workers.checking.reference import run_reference
from workers.models.exported.io_layout import DimOrder
from workers.models.exported.state.module_state import state_kept
from workers.models.exported.tensors import copied

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node

DelegateSeen = Callable[["Node", tuple[np.ndarray, ...]], bool]
DelegateRun = Callable[["Node", tuple[np.ndarray, ...]], Sequence[np.ndarray]]


def run_lowered(
    module: GraphModule, inputs: tuple[Any, ...], seen: DelegateSeen | None = None, run: DelegateRun | None = None
) -> Any:
    """The outputs of a program whose delegates' blobs are TOSA flatbuffers, from the state that it starts with.

    Args:
        module: of the exported program.
        inputs: arguments of the module.
        seen: gets each delegate's call and what reaches it, in order. It returns whether to continue. None if nobody
            asks.
        run: gives a delegate's outputs for what reaches it, instead of its blob; None runs the blob by the reference
            model.

    Returns:
        The module's outputs; None if `seen` stopped it.

    Raises:
        ReferenceFailed: the reference model does not run a delegate.
    """
    import torch
    from executorch.exir.delegate import executorch_call_delegate
    from torch.fx import Interpreter

    interpreter = Interpreter(module)
    interpreter.args_iter = iter(module.graph.process_inputs(*inputs))
    with torch.no_grad(), state_kept(module):
        for node in module.graph.nodes:
            if node.target is executorch_call_delegate:
                delegate, *operands = cast(Any, interpreter.map_nodes_to_values(node.args, node))
                orders = map(dim_order, node.args[1:])
                arrays = tuple(_as_array(value, order) for value, order in zip(operands, orders, strict=True))
                if seen is not None and not seen(node, arrays):
                    return None
                results = (
                    run(node, arrays) if run else run_reference(read_tosa(bytes(delegate.processed_bytes)), arrays)
                )
                interpreter.env[node] = _as_tensors(results, node)
            else:
                interpreter.env[node] = interpreter.run_node(node)
            if node.op == "output":
                return interpreter.env[node]
    return None


def run_lowered_in_turn(
    program: ExportedProgram, runs: Sequence[tuple[Any, ...]], start: Mapping[str, torch.Tensor]
) -> Iterator[tuple[list[Any], dict[str, torch.Tensor]]]:
    """Run a lowered program several times, each from the state that the run before it gives.

    The program's signature says what the state is. It is values that are taken and given, never memory that is written.

    Args:
        program: its delegates' blobs are TOSA flatbuffers.
        runs: arguments of each run.
        start: values of the buffers that it writes to, by name.

    Yields:
        For each run the model's outputs, and the buffers that it wrote to by name.

    Raises:
        ReferenceFailed: the reference model does not run a delegate.
    """
    from torch.export.graph_signature import OutputKind
    from torch.utils import _pytree as pytree

    signature = program.graph_signature
    held = {**program.state_dict, **program.constants}
    state = dict(start)
    for run in runs:
        own = iter(pytree.tree_leaves(copied(run)))
        inputs = [
            next(own) if one.target is None else state.get(one.target, held.get(one.target))
            for one in signature.input_specs
        ]
        results = run_lowered(program.graph_module, tuple(inputs))
        outputs = []
        for value, spec in zip(results, signature.output_specs, strict=True):
            if spec.kind == OutputKind.BUFFER_MUTATION:
                state[str(spec.target)] = value.clone()
            elif spec.kind == OutputKind.USER_OUTPUT:
                outputs.append(value)
        yield outputs, dict(state)


def dim_order(node: Any) -> DimOrder:
    """As the program says it; what an operator really gives may differ where dimensions have size 1."""
    return tuple(node.meta["val"].dim_order())


def _as_array(tensor: torch.Tensor, order: DimOrder) -> np.ndarray:
    """As the delegate's TOSA input has it, whose shape is in the order of the dimensions in memory."""
    return tensor.detach().permute(order).contiguous().numpy().copy()


def _as_tensors(results: Sequence[np.ndarray], call: Node) -> list[torch.Tensor]:
    import torch

    outputs = []
    for result, meta in zip(results, call.meta["val"], strict=True):
        in_memory = torch.from_numpy(np.asarray(result, order="C"))
        outputs.append(in_memory.permute(tuple(np.argsort(meta.dim_order()))))
    return outputs
