"""The average pool as CMSIS-NN computes it: in integers, halves rounded away from zero.

ExecuTorch's Python operator rounds a float to the nearest even value instead. So it is off by one step on some 7 % of
values. Source: `arm_avgpool_s8`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import avg_pool2d


def integer_average_pool(
    image: torch.Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], ceil_mode: bool
) -> torch.Tensor:
    """The pool of an image (N, C, H, W) of int8 values; padding does not count.

    Args:
        image: int8 values (N, C, H, W).
        kernel, stride, padding: along height and width.
        ceil_mode: whether windows that are partly beside the padded image count.

    Returns:
        int8 values (N, C, OH, OW): sums of the window's values, divided by how many there are.
    """

    def sums(values: torch.Tensor) -> torch.Tensor:
        pooled = avg_pool2d(
            values.double(), tuple(kernel), tuple(stride), tuple(padding), ceil_mode, divisor_override=1
        )
        return pooled.round().long()

    total, count = sums(image), sums(torch.ones_like(image))
    half = torch.where(total > 0, count // 2, -(count // 2))
    return torch.div(total + half, count, rounding_mode="trunc").clamp(-128, 127).to(torch.int8)
