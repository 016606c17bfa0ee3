"""Runs a lowered program in Python, with the average pool as the kernel computes it, and with dilated convolutions."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Interpreter

from workers.cortex_m.check.average_pool import integer_average_pool
from workers.cortex_m.check.dilated_convolution import with_zeros_between
from workers.models.exported.state.module_state import state_kept
from workers.models.exported.tensors import tensors


def outputs_of(program: ExportedProgram, inputs: tuple[Any, ...]) -> tuple[torch.Tensor, ...]:
    """The tensors among the outputs of an exported program, in order, from the state that it starts with.

    Args:
        inputs: as the model takes them.
        program: quantised, or lowered by `workers.cortex_m.lowering.candidate.Lowering`.

    Returns:
        Tensors, as they leave the program.
    """
    return outputs_anew(program.module(check_guards=False), inputs, _AsKernels)


def outputs_anew(
    module: GraphModule, inputs: tuple[Any, ...], interpreter: type[Interpreter] = Interpreter
) -> tuple[torch.Tensor, ...]:
    """The tensors among the outputs of a module, in order, from the state that it has now, which it keeps.

    Args:
        module: of an exported program, which shares its buffers.
        inputs: of the module.
        interpreter: runs it.

    Returns:
        Copies, however the outputs are nested: an output may be a buffer, which gets its first value back.
    """
    with torch.no_grad(), state_kept(module):
        return tuple(one.clone() for one in tensors(interpreter(module).run(*inputs)))


#: Their arguments begin with image, weight, bias, stride, padding and dilation.
_CONVOLUTIONS = frozenset(
    f"cortex_m::quantized_{kind}conv2d{order}" for kind in ("", "depthwise_") for order in ("", "_nhwc")
)


class _AsKernels(Interpreter):
    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        schema = getattr(target, "_schema", None)
        name = schema.name if schema is not None else ""
        if name == "cortex_m::quantized_avg_pool2d":
            return integer_average_pool(*args[:5])
        if name == "cortex_m::quantized_avg_pool2d_nhwc":
            pooled = integer_average_pool(args[0].permute(0, 3, 1, 2), *args[1:5])
            return pooled.permute(0, 2, 3, 1).contiguous()
        if name in _CONVOLUTIONS and tuple(args[5]) != (1, 1):
            image, weight, bias, stride, padding, dilation, *rest = args
            args = (image, with_zeros_between(weight, dilation), bias, stride, padding, (1, 1), *rest)
        return super().call_function(target, args, kwargs)
