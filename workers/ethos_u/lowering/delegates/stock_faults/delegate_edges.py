"""Tensors that a program hands to its delegates and takes from them.

They are compared with what their TOSA programs read and write.

ExecuTorch 1.5.1 can pass a delegate's int8 output on as float32. (Issue 19364 and pull request 22966 of
pytorch/executorch.) It does where the operator after the delegate's last dequantisation goes to the CPU. On the device
the `.pte` then misinterprets bytes, and no step of lowering notices.

It also hands a delegate values of which only the shape matters. Where they are no inputs of the TOSA program, the
runtime takes them for outputs. It expects outputs right after the inputs that the program has.

And it can lose the order of dimensions. A delegate then writes [1, 8, 8, 16] for [1, 16, 8, 8].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from search_space.errors import SpaceError
from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import Graph, TensorType
from search_space.tosa_file.reader import read_tosa
from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.stock_faults.refusal import something_else

if TYPE_CHECKING:
    import torch
    from torch.fx import Node


def check_edges(delegates: Iterable[tuple[Node, bytes]], name: str) -> None:
    """Compare element types, sizes and the order of dimensions of every tensor at a delegate's edge.

    Args:
        delegates: their calls and TOSA flatbuffers.
        name: of the model, for people.

    Raises:
        ModelError: the two sides differ in tensors or a tensor's type, so the model cannot be deployed. Or a TOSA
            program is none that velatune reads, such as one with control flow.
    """
    for number, (call, tosa_file) in enumerate(delegates):
        for one in call.args[1:]:
            value = cast("Node", one).meta["val"]
            if not value.numel():
                raise ModelError(
                    f"{name}: delegate {number} is handed {one} of {list(value.shape)}, which has no elements; the NPU "
                    "takes no such tensor; give example inputs with at least one sample"
                )
        try:
            graph = read_tosa(tosa_file, f"delegate {number}")
        except SpaceError as error:
            raise ModelError(f"{name}: {error}; write the model without this operator") from error
        handed, read = len(call.args) - 1, len(graph.inputs)
        if handed != read:
            # The runtime goes by position: it would take an input for an output.
            raise something_else(
                name,
                f"delegate {number} is handed {_values(handed)} ({', '.join(str(one) for one in call.args[1:])}) and "
                f"reads {_values(read)}; compute what does not depend on them, such as zeros_like or full_like, when "
                "the model is made",
            )
        for what, program, tosa in _edges(call, graph):
            element_type = str(NUMPY.get(tosa.dtype, tosa.dtype))
            if element_type != _element_type(program) or tosa.elements != program.numel():
                raise something_else(
                    name,
                    f"{what} of delegate {number} is {_said(program)} in the program and {element_type} of "
                    f"{list(tosa.shape)} in the delegate; let all operators that read this value run on the NPU, or "
                    "none",
                )
            if _other_order(program, tosa):
                raise something_else(
                    name,
                    f"{what} of delegate {number} is {_said(program)} in the program and lies in memory as "
                    f"{list(tosa.shape)}",
                )


def _other_order(program: torch.Tensor, tosa: TensorType) -> bool:
    """Whether two shapes have the same dimensions in another order, those of size 1 aside."""
    in_memory = [program.shape[axis] for axis in program.dim_order()]
    one, other = ([size for size in shape if size != 1] for shape in (in_memory, tosa.shape))
    return one != other and sorted(one) == sorted(other)


def _edges(call: Node, graph: Graph) -> Iterator[tuple[str, torch.Tensor, TensorType]]:
    operands = [cast("Node", one) for one in call.args[1:]]
    for node, node_id in zip(operands, graph.inputs, strict=True):
        yield f"input {node.name}", node.meta["val"], graph[node_id].type
    for at, (value, node_id) in enumerate(zip(call.meta["val"], graph.outputs, strict=True)):
        yield f"output {at}{_readers(call, at)}", value, graph[node_id].type


def _values(count: int) -> str:
    return f"{count} value{'' if count == 1 else 's'}"


def _readers(call: Node, at: int) -> str:
    """` (to A, B)`: the operators that read an output."""
    taken = [one for one in call.users if one.args[1:] == (at,)]
    names = sorted({reader.name for one in taken for reader in one.users})
    return f" (to {', '.join(names)})" if names else ""


def _said(tensor: torch.Tensor) -> str:
    return f"{_element_type(tensor)} of {list(tensor.shape)}"


def _element_type(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
