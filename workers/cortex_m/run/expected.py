"""What a processor has to give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram

from workers.cortex_m.check.compare import output_steps
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.guards.float_operators import rounding_operators
from workers.cortex_m.target import InstructionSet


@dataclass(frozen=True)
class Expected:
    """What a program has to give, and what is said of a difference.

    Attributes:
        outputs: as Python computes them, in order.
        steps: the quantisation step of each output; None: it is not quantised.
        rounding: kinds of operators that compute in float. A processor may round there otherwise than Python.
    """

    outputs: Sequence[torch.Tensor]
    steps: Sequence[float | None]
    rounding: Sequence[str] = ()


def expected_of(lowered: ExportedProgram, inputs: tuple[Any, ...], instruction_set: InstructionSet) -> Expected:
    """What a lowered program has to give on a processor.

    Args:
        lowered: for that processor.
        inputs: as the model takes them.
        instruction_set: of the processor.

    Returns:
        Its outputs, as Python computes them.
    """
    outputs = outputs_of(lowered, inputs, instruction_set)
    return Expected(outputs, output_steps(lowered), rounding_operators(lowered))
