"""Dilated convolutions in integers, which PyTorch does not compute: its convolution of int32 takes no dilation.

Law: weights of zero between the others add nothing to a sum. So a kernel dilated by d equals one whose weights have d -
1 zeros between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


def with_zeros_between(weight: torch.Tensor, dilation: Sequence[int]) -> torch.Tensor:
    """Weights that compute without dilation what the given ones compute with it.

    Args:
        weight: int8 weights of a convolution (O, KH, KW, C) or a depthwise one (1, KH, KW, O).
        dilation: along height and width.

    Returns:
        int8 weights (O, (KH - 1) * DH + 1, (KW - 1) * DW + 1, C); of a depthwise convolution likewise.
    """
    down, across = dilation
    outer, height, width, inner = weight.shape
    spread = weight.new_zeros(outer, (height - 1) * down + 1, (width - 1) * across + 1, inner)
    spread[:, ::down, ::across] = weight
    return spread
