"""Runs a program in Python, with a lowered one's operators as the kernels compute them."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Interpreter

from workers.cortex_m.check.kernel_operators import computed_by_kernel
from workers.cortex_m.target import InstructionSet
from workers.models.exported.state.module_state import state_kept
from workers.models.exported.tensors import tensors


def outputs_of(
    program: ExportedProgram, inputs: tuple[Any, ...], instruction_set: InstructionSet = InstructionSet.DSP
) -> tuple[torch.Tensor, ...]:
    """The tensors among the outputs of an exported program, in order, from the state that it starts with.

    Args:
        inputs: as the model takes them.
        program: quantised, or lowered by `workers.cortex_m.lowering.candidate.Lowering`.
        instruction_set: of the processor whose kernels a lowered program calls.

    Returns:
        Tensors, as they leave the program.
    """
    module = program.module(check_guards=False)
    return outputs_anew(module, inputs, AsKernels(module, instruction_set))


def outputs_anew(
    module: GraphModule, inputs: tuple[Any, ...], interpreter: Interpreter | None = None
) -> tuple[torch.Tensor, ...]:
    """The tensors among a module's outputs, in order, from its present state, which it keeps.

    Args:
        module: of an exported program, which shares its buffers.
        inputs: of the module.
        interpreter: of the module, which runs it; None: as PyTorch does.

    Returns:
        Copies, however the outputs are nested: an output may be a buffer, which gets its first value back.
    """
    with torch.no_grad(), state_kept(module):
        return tuple(one.clone() for one in tensors((interpreter or Interpreter(module)).run(*inputs)))


class AsKernels(Interpreter):
    """Computes operators as the kernels of one class of processors do."""

    def __init__(self, module: GraphModule, instruction_set: InstructionSet) -> None:
        """Run nothing yet.

        Args:
            module: of a lowered program.
            instruction_set: of the processor.
        """
        super().__init__(module)
        self._instruction_set = instruction_set

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return computed_by_kernel(target, args, kwargs, self._instruction_set)
