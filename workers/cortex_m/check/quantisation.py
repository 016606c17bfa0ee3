"""Quantisation of floats as ExecuTorch's kernel computes it.

Its Python operator computes the same up to values on the border of two steps. Source: `op_quantize_per_tensor.cpp`. The
kernel takes the inverse of the step in float32. Single values are multiplied by it, then rounded to the nearest even
integer. With MVE, whole blocks are multiplied and added to 1.5 * 2**23 in one instruction, which rounds once. The low
bits of that sum are the result. Of int8 values they are 16 bits, so a value that far from the zero point wraps around.
"""

from __future__ import annotations

import numpy as np
import torch

from workers.cortex_m.target import InstructionSet

#: Values that MVE quantises at once, by dtype of the result.
_BLOCK = {torch.int8: 16, torch.int16: 8}

#: A float32 of this size has a last bit of 1.
_MAGIC = 12582912.0

#: Below it, the sum with the number above is rounded to an integer.
_EXACT = float(2**22)


def quantised_by_kernel(
    values: torch.Tensor,
    scale: float,
    zero_point: int,
    low: int,
    high: int,
    dtype: torch.dtype,
    instruction_set: InstructionSet,
) -> torch.Tensor:
    """What `cortex_m::quantize_per_tensor` gives on a processor.

    Args:
        values: float32 values of any shape.
        scale: the step.
        zero_point: the integer that stands for 0.
        low, high: the smallest and the largest integer of the result.
        dtype: int8 or int16.
        instruction_set: of the processor.

    Returns:
        Integers of the dtype, of the same shape and order of axes in memory.
    """
    inverse = np.float32(1) / np.float32(scale)
    order = values.dim_order()
    in_memory = values.permute(order).contiguous()
    flat = in_memory.reshape(-1).numpy()
    whole = flat.size // _BLOCK[dtype] * _BLOCK[dtype] if instruction_set is InstructionSet.MVE else 0
    parts = [_block(flat[:whole], inverse, zero_point, dtype), _single(flat[whole:], inverse, zero_point)]
    integers = torch.from_numpy(np.concatenate(parts).clip(low, high)).to(dtype)
    found = torch.empty_like(values, dtype=dtype)
    found.permute(order).copy_(integers.view(in_memory.shape))
    return found


def _single(values: np.ndarray, inverse: np.float32, zero_point: int) -> np.ndarray:
    """Values that are rounded twice; those beyond 32 bits saturate before the zero point is added."""
    with np.errstate(over="ignore"):
        rounded = np.rint(values * inverse).astype(np.float64)
    info = np.iinfo(np.int32)
    return _wrapped(np.nan_to_num(rounded, posinf=info.max, neginf=info.min).clip(info.min, info.max), zero_point)


def _block(values: np.ndarray, inverse: np.float32, zero_point: int, dtype: torch.dtype) -> np.ndarray:
    """Values that are rounded once; of int8 results, 16 bits are kept."""
    with np.errstate(over="ignore", invalid="ignore"):
        products = values.astype(np.float64) * np.float64(inverse)  # exact
        sums = np.where(np.abs(products) < _EXACT, np.rint(products) + _MAGIC, products + _MAGIC).astype(np.float32)
    integers = _wrapped(sums.view(np.int32).astype(np.float64), zero_point - int(np.float32(_MAGIC).view(np.int32)))
    return integers.astype(np.int16).astype(np.int32) if dtype == torch.int8 else integers


def _wrapped(integers: np.ndarray, added: int) -> np.ndarray:
    """Sums with an integer in 32 bits."""
    return (integers.astype(np.int64) + added).astype(np.int32)
