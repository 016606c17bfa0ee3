"""Operators of a lowered program in Python, as the kernels compute them where ExecuTorch's Python operators do not."""

from __future__ import annotations

from typing import Any

import torch

from workers.cortex_m.check.average_pool import integer_average_pool
from workers.cortex_m.check.dilated_convolution import with_zeros_between
from workers.cortex_m.check.quantisation import quantised_by_kernel
from workers.cortex_m.target import InstructionSet

#: Their arguments begin with image, weight, bias, stride, padding and dilation.
_CONVOLUTIONS = frozenset(
    f"cortex_m::quantized_{kind}conv2d{order}" for kind in ("", "depthwise_") for order in ("", "_nhwc")
)


def computed_by_kernel(
    operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any], instruction_set: InstructionSet
) -> Any:
    """What an operator of a lowered program gives.

    Args:
        operator: what the graph calls.
        args, kwargs: its arguments, tensors among them.
        instruction_set: of the processor whose kernels are meant.

    Returns:
        Its result.
    """
    schema = getattr(operator, "_schema", None)
    name = schema.name if schema is not None else ""
    if name == "cortex_m::quantize_per_tensor":
        values, scale, zero_point, low, high, dtype = args
        return quantised_by_kernel(values, scale, zero_point, low, high, dtype, instruction_set)
    if name == "cortex_m::quantized_avg_pool2d":
        return integer_average_pool(*args[:5])
    if name == "cortex_m::quantized_avg_pool2d_nhwc":
        pooled = integer_average_pool(args[0].permute(0, 3, 1, 2), *args[1:5])
        return pooled.permute(0, 2, 3, 1).contiguous()
    if name in _CONVOLUTIONS and tuple(args[5]) != (1, 1):
        image, weight, bias, stride, padding, dilation, *rest = args
        args = (image, with_zeros_between(weight, dilation), bias, stride, padding, (1, 1), *rest)
    if name in ("aten::mm", "aten::addmm", "aten::linear"):
        return _product(name, args, kwargs)
    return operator(*args, **kwargs)


def _product(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A product of matrices in float, by one routine for all operators.

    The order in which PyTorch sums depends on the operator, and on how its matrices lie in memory. The kernels have one
    order for all.
    """
    if name == "aten::linear":
        rows, weight, bias, *_ = (*args, None)
        columns, shape = weight.t(), (*rows.shape[:-1], weight.shape[0])
        rows = rows.reshape(-1, rows.shape[-1])
    else:
        bias, rows, columns = args if name == "aten::addmm" else (None, *args)
        shape = (rows.shape[0], columns.shape[1])
    columns = columns.t().clone(memory_format=torch.contiguous_format).t()
    product = torch.mm(rows, columns) if bias is None else torch.addmm(bias, rows, columns, **kwargs)
    return product.reshape(shape)
