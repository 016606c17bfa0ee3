"""References of the fused operators whose weights are integers and whose sums are floats."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def weight_int8pack_mm(x: torch.Tensor, weights: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """aten._weight_int8pack_mm, the runtime's linear_qcs8w.

    Args:
        x: floats (M, K).
        weights: int8 (N, K).
        scales: of each output channel, (N,).

    Returns:
        Floats (M, N).
    """
    return (x @ weights.to(x.dtype).T) * scales.to(x.dtype)


def linear_qcs4w(x: torch.Tensor, weights: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """et_vk.linear_qcs4w.

    Args:
        x: floats (M, K).
        weights: uint8 (N, K / 2), the earlier of two in the upper four bits, each 8 too large.
        scales: of each output channel, (N,).

    Returns:
        Floats (M, N).
    """
    pairs = torch.stack([weights >> 4, weights & 0x0F], dim=-1).to(torch.int8) - 8
    return weight_int8pack_mm(x, pairs.flatten(1), scales)


def linear_q4gsw(
    x: torch.Tensor, weights: torch.Tensor, scales: torch.Tensor, group: int, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """et_vk.linear_q4gsw.

    Args:
        x: floats (..., K).
        weights: uint8 (N, K' / 2), the earlier of two in the lower four bits, each 8 too large; K' is K, padded.
        scales: of each group and output channel, (groups, N'); N' is N, padded.
        group: input channels that share a scale.
        bias: of each output channel, possibly padded.

    Returns:
        Floats (..., N).
    """
    floats = _grouped(weights, scales, group, x.shape[-1]).to(x.dtype)
    return F.linear(x, floats, None if bias is None else bias[: floats.shape[0]])


def linear_q4gsw_in_half(
    x: torch.Tensor, weights: torch.Tensor, scales: torch.Tensor, group: int, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """et_vk.linear_q4gsw in half precision: several rows have their sums in it, term by term.

    So does q4gsw_linear_gemm__tin__w_4x8.glsl. The kernel for one row sums in single precision.

    Args:
        x, weights, scales, group, bias: as of `linear_q4gsw`, with numbers that half precision has.

    Returns:
        As `linear_q4gsw`.
    """
    if x.shape[-2] == 1:
        return linear_q4gsw(x, weights, scales, group, bias)
    columns = _half(_grouped(weights, scales, group, x.shape[-1])).T
    sums = torch.zeros(*x.shape[:-1], columns.shape[1])
    for term, column in zip(x.unbind(-1), columns, strict=True):
        sums = _half(sums + _half(term.unsqueeze(-1) * column))
    return sums if bias is None else _half(sums + bias[: columns.shape[1]])


def linear_dq8ca_q4gsw(
    x: torch.Tensor,
    input_scales: torch.Tensor,
    input_zeros: torch.Tensor,
    weights: torch.Tensor,
    weight_sums: torch.Tensor,
    scales: torch.Tensor,
    group: int,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """et_vk.linear_dq8ca_q4gsw: as linear_q4gsw on rows that are quantised to int8 by a scale and a zero point each.

    The runtime's kernel for one row does not quantise it.

    Args:
        x: floats (..., M, K).
        input_scales, input_zeros: of each row.
        weights, scales, group, bias: as of `linear_q4gsw`.
        weight_sums: of the weights of each group; not needed here.

    Returns:
        Floats (..., M, N).
    """
    if x.shape[-2] > 1:
        row = (*x.shape[:-1], 1)
        step, zeros = input_scales.reshape(row).to(x.dtype), input_zeros.reshape(row).to(x.dtype)
        x = ((torch.round(x * (1 / step)) + zeros).clamp(-128, 127) - zeros) * step
    return linear_q4gsw(x, weights, scales, group, bias)


def embedding_q4gsw(
    weights: torch.Tensor, scales: torch.Tensor, group: int, indices: torch.Tensor, lower_first: bool = False
) -> torch.Tensor:
    """et_vk.embedding_q4gsw.

    Args:
        weights: uint8 (V, E / 2), each 8 too large.
        scales: (V, groups).
        group: columns that share a scale.
        indices: of rows, integers of any shape.
        lower_first: the earlier of two weights is in the lower four bits.

    Returns:
        Floats, of the shape of the indices with E behind it.
    """
    halves = [weights & 0x0F, weights >> 4] if lower_first else [weights >> 4, weights & 0x0F]
    integers = torch.stack(halves, dim=-1).flatten(1).to(torch.float32) - 8
    steps = scales.reshape(weights.shape[0], -1).to(torch.float32).repeat_interleave(group, dim=1)
    return F.embedding(indices, integers * steps)


def _grouped(weights: torch.Tensor, scales: torch.Tensor, group: int, inputs: int) -> torch.Tensor:
    integers = torch.stack([weights & 0x0F, weights >> 4], dim=-1).flatten(1).to(torch.float32) - 8
    steps = scales[:, : weights.shape[0]].T.to(torch.float32).repeat_interleave(group, dim=1)
    return integers[:, :inputs] * steps[:, :inputs]


def _half(values: torch.Tensor) -> torch.Tensor:
    return values.half().float()
