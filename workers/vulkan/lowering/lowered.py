"""What a model becomes on the way to a `.pte`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from executorch.exir import EdgeProgramManager
    from torch.export import ExportedProgram
    from torch.fx import Node


@dataclass(frozen=True, eq=False)
class Delegate:
    """A part of the model on the GPU.

    Attributes:
        name: of the module that the lowered program calls.
        program: after all of the backend's passes; it runs in torch.
        graph: its `VkGraph`.
        data: what the runtime reads.
        constants: key in the file -> bytes.
        dropped_factors: operators that ExecuTorch compiled without their alpha or beta.
        returned_constants: operators that ExecuTorch replaced by a constant, which the delegate gives as it is.
    """

    name: str
    program: ExportedProgram
    graph: Any
    data: bytes
    constants: Mapping[str, bytes]
    dropped_factors: tuple[str, ...] = ()
    returned_constants: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostOperator:
    """An operator left to the CPU.

    Attributes:
        name: of its node.
        operator: as `aten.mul.Scalar`.
        reason: the partitioner's.
        of_integers: whether it gives signed integers.
    """

    name: str
    operator: str
    reason: str
    of_integers: bool = False


@dataclass(frozen=True, eq=False)
class Lowered:
    """A lowered model.

    Attributes:
        edge: ExecuTorch's lowered program, with the delegates that a file gets.
        quantised: the program that was partitioned. It runs in torch. After a fusion it does not say what the file
            should compute. For linear_qcs4w the wheel has only a stand-in for shapes.
        delegates: in the order of their calls.
        host_operators: in program order.
        fused: name of a pattern of ExecuTorch's registry -> at how many places it fits.
        rewritten: for each float and then each quantised pass, how often it rewrote.
    """

    edge: EdgeProgramManager
    quantised: ExportedProgram
    delegates: tuple[Delegate, ...]
    host_operators: tuple[HostOperator, ...]
    fused: Mapping[str, int]
    rewritten: tuple[int, ...]


def host_digest(lowered: Lowered) -> bytes:
    """What stands around the delegates: operators on the CPU with their arguments, and what they are connected to.

    Args:
        lowered: any program.

    Returns:
        A digest that does not depend on how nodes are named. Values are numbered, and constants go by their content.
    """
    from torch.fx.node import map_arg

    program = lowered.edge.exported_program()
    inputs = list(program.graph_signature.user_inputs)
    constants = {**program.graph_signature.inputs_to_parameters, **program.graph_signature.inputs_to_buffers}
    constants |= program.graph_signature.inputs_to_lifted_tensor_constants
    values = {**program.constants, **program.state_dict}
    digest, known = blake2b(digest_size=16), dict[Any, str]()

    def said(node: Node) -> str:
        if node.op == "placeholder" and node.name in constants:
            known.setdefault(node, _content(values.get(constants[node.name])))
        elif node.op == "placeholder" and node.name in inputs:
            known.setdefault(node, f"input {inputs.index(node.name)}")
        return known.setdefault(node, f"value {len(known)}")

    for node in program.graph.nodes:
        if node.op in ("call_function", "output"):
            # Nodes stand in their places: an operator may take one of them twice.
            operands = map_arg((node.args, node.kwargs), said)
            digest.update(repr((said(node), getattr(node.target, "__name__", ""), operands)).encode())
    return digest.digest()


def partitioned_operators(lowered: Lowered) -> frozenset[str]:
    """What the partitioner gave to delegates. The backend's passes make others of it: linear operators of products.

    Args:
        lowered: any program.

    Returns:
        Names of operators, such as `aten.addmm.default`.
    """
    from executorch.exir.lowered_backend_module import LoweredBackendModule

    parts = lowered.edge.exported_program().graph_module.children()
    modules = (one.original_module for one in parts if isinstance(one, LoweredBackendModule))
    return frozenset(getattr(node.target, "__name__", "") for one in modules for node in one.graph.nodes)


def _content(value: Any) -> str:
    import torch

    if not isinstance(value, torch.Tensor):
        return repr(value)
    content = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes() if value.numel() else b""
    return f"{value.dtype} {tuple(value.shape)} {blake2b(content, digest_size=16).hexdigest()}"
