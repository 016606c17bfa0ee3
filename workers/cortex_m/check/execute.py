"""Runs a lowered program in Python, with the average pool as the kernel computes it."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Interpreter

from workers.cortex_m.check.average_pool import integer_average_pool


def outputs_of(program: ExportedProgram, inputs: tuple[Any, ...]) -> tuple[torch.Tensor, ...]:
    """The outputs of an exported program, in order.

    Args:
        inputs: as the model takes them.
        program: quantised, or lowered by `workers.cortex_m.lowering.candidate.Lowering`.

    Returns:
        Tensors, as they leave the program.
    """
    with torch.no_grad():
        return tensors_of(_WithKernelPools(program.module(check_guards=False)).run(*inputs))


def tensors_of(result: Any) -> tuple[torch.Tensor, ...]:
    """The outputs of a model that returns one tensor or several."""
    return tuple(result) if isinstance(result, tuple | list) else (result,)


class _WithKernelPools(Interpreter):
    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        schema = getattr(target, "_schema", None)
        name = schema.name if schema is not None else ""
        if name == "cortex_m::quantized_avg_pool2d":
            return integer_average_pool(*args[:5])
        if name == "cortex_m::quantized_avg_pool2d_nhwc":
            pooled = integer_average_pool(args[0].permute(0, 3, 1, 2), *args[1:5])
            return pooled.permute(0, 2, 3, 1).contiguous()
        return super().call_function(target, args, kwargs)
