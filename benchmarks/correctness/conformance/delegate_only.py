"""A `.pte` that does nothing but call an Ethos-U delegate made of a TOSA program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from search_space.ir.graph import Graph, TensorType
from search_space.tosa_file.writer import write_tosa
from workers.ethos_u.files.pte import BACKEND
from workers.ethos_u.lowering.toolchain import ethos_u_compile_spec
from workers.ethos_u.target import Target
from workers.output_capture import captured

_TYPES = {"BOOL": torch.bool, "INT8": torch.int8, "INT16": torch.int16, "INT32": torch.int32}


@dataclass(frozen=True, eq=False)
class DelegateOnly:
    """A `.pte` whose program is one call of a delegate.

    Attributes:
        content: the `.pte`.
        manager: ExecuTorch's, which it was written by.
    """

    content: bytes
    manager: Any


def delegate_only(graph: Graph, target: Target) -> DelegateOnly:
    """ExecuTorch writes all of it, Vela's call included; only the TOSA flatbuffer is not its own.

    Raises whatever ExecuTorch raises where Vela refuses the program.
    """
    from executorch.backends.arm.ethosu.backend import EthosUBackend
    from executorch.exir import to_edge
    from executorch.exir.lowered_backend_module import LoweredBackendModule

    inputs = tuple(_zeros(graph[i].type) for i in graph.inputs)
    compile_spec = ethos_u_compile_spec(target)
    with captured():
        stand_in = to_edge(torch.export.export(_Zeros(graph), inputs)).exported_program()
        compiled = EthosUBackend._compile_tosa_flatbuffer(write_tosa(graph), compile_spec)
        # Compiling adds to the flags of a compile spec.
        specs = ethos_u_compile_spec(target)._to_list()
        delegate = LoweredBackendModule(stand_in, BACKEND, compiled.processed_bytes, specs)
        manager = to_edge(torch.export.export(_Calls(delegate), inputs)).to_executorch()
    return DelegateOnly(bytes(manager.buffer), manager)


class _Zeros(torch.nn.Module):
    """What the delegate's outputs look like."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._outputs = [graph[i].type for i in graph.outputs]

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(_zeros(one) for one in self._outputs)


class _Calls(torch.nn.Module):
    def __init__(self, delegate: torch.nn.Module) -> None:
        super().__init__()
        self.delegate = delegate

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.delegate(*inputs)


def _zeros(one: TensorType) -> torch.Tensor:
    return torch.zeros(one.shape, dtype=_TYPES[one.dtype])
