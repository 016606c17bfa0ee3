"""State that a module carries from run to run besides its buffers.

torch.export takes it for constants without a word.

Such are counters or tensors in attributes, lists of past frames, and tensors in `.data`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workers.models.exported.state.module_state import same_random_numbers, written_in_place
from workers.models.exported.tensors import agree, copied, tensors
from workers.output_capture import captured

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.export import ExportedProgram


class EagerRuns:
    """Two runs of a module on the same inputs.

    A copy is made and run before torch.export sees the module.
    """

    def __init__(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Run a copy of a module twice.

        Args:
            module: in eval mode; it is left as it is.
            inputs: its arguments.
        """
        self._inputs = inputs
        self._given: list[tuple[torch.Tensor, ...]] = []
        try:
            with captured():
                self._given = _two_runs(copy.deepcopy(module), inputs)
        except Exception:  # a module that cannot be copied or run: torch.export tells what is wrong with it
            return

    def differ_from(self, program: ExportedProgram) -> bool:
        """Whether the module carries something on that its exported program does not.

        Args:
            program: of the module.

        Returns:
            Whether the two agree in the first run alone, or only the module's second run gives something new. False
            where the module could not be run.
        """
        if not self._given or (_all_equal(*self._given) and not written_in_place(program)):
            return False
        with captured():
            given = _two_runs(copy.deepcopy(program.module(check_guards=False)), self._inputs)
        first, second = (_all_agree(*pair) for pair in zip(self._given, given, strict=True))
        return (first and not second) or (not _all_agree(*self._given) and _all_agree(*given))


def _two_runs(module: nn.Module, inputs: tuple[Any, ...]) -> list[tuple[torch.Tensor, ...]]:
    import torch

    given = []
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        for _ in range(2):
            with same_random_numbers():
                outputs = module(*copied(inputs))
            given.append(tuple(one.clone() for one in tensors(outputs)))
    return given


def _all_equal(some: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> bool:
    return len(some) == len(others) and all(one.equal(other) for one, other in zip(some, others, strict=True))


def _all_agree(some: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> bool:
    return len(some) == len(others) and all(map(agree, some, others))
