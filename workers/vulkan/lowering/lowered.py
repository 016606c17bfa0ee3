"""What a model becomes on the way to a `.pte`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from executorch.exir import EdgeProgramManager
    from torch.export import ExportedProgram


@dataclass(frozen=True, eq=False)
class Delegate:
    """A part of the model on the GPU.

    Attributes:
        name: of the module that the lowered program calls.
        program: after all of the backend's passes; it runs in torch.
        graph: its `VkGraph`, constants included.
        data: what the runtime reads.
    """

    name: str
    program: ExportedProgram
    graph: Any
    data: bytes


@dataclass(frozen=True)
class HostOperator:
    """An operator left to the CPU. name: of its node. operator: as `aten.mul.Scalar`. reason: the partitioner's."""

    name: str
    operator: str
    reason: str


@dataclass(frozen=True, eq=False)
class Lowered:
    """A lowered model.

    Attributes:
        edge: ExecuTorch's lowered program, with the delegates that a file gets.
        quantised: the program that was partitioned. It runs in torch, but says what the file should compute only where
            no pass has fused anything: of linear_qcs4w the wheel has a stand-in for shapes.
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
