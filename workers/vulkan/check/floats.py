"""References of the fused operators on floats."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def conv_with_clamp(
    x: torch.Tensor,
    weights: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    low: float | None,
    high: float | None,
) -> torch.Tensor:
    """et_vk.conv_with_clamp: a convolution and a clamp.

    Args:
        x, weights, bias, stride, padding, dilation, transposed, output_padding, groups: as of `torch.convolution`.
        low, high: of the clamp; a bound that is None or infinite is none.

    Returns:
        What the convolution gives, clamped.
    """
    out = torch.convolution(x, weights, bias, stride, padding, dilation, transposed, output_padding, groups)
    if low is not None and low > -3e38:
        out = out.clamp(min=low)
    return out if high is None or high > 3e38 else out.clamp(max=high)


def gelu(x: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    """aten.gelu, as the runtime has it (`runtime/graph/ops/glsl/unary_op.yaml`).

    Args:
        x: floats of any shape.
        approximate: what the model asks for. The runtime has the form with tanh alone, about 74 dB off.

    Returns:
        Of the shape and element type of x.
    """
    return torch.nn.functional.gelu(x, approximate="tanh")


def rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """et_vk.rms_norm: along the last dimension.

    Args:
        x: floats (..., N).
        weight: floats (N,).
        epsilon: that is added to the mean square.

    Returns:
        Of the shape and element type of x; computed in single precision.
    """
    wide = x.to(torch.float32)
    return (wide / torch.sqrt(wide.square().mean(-1, keepdim=True) + epsilon) * weight).to(x.dtype)


def apply_rotary_emb(
    queries: torch.Tensor, keys: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """et_vk.apply_rotary_emb: neighbours in the last dimension are turned together.

    Args:
        queries, keys: (batch, tokens, heads, width).
        cosines, sines: (tokens, width / 2) or (tokens, heads, width / 2).

    Returns:
        The queries and the keys, turned.
    """

    def turned(x: torch.Tensor) -> torch.Tensor:
        cos, sin = (one if one.ndim == 3 else one.unsqueeze(1) for one in (cosines, sines))
        even, odd = x[..., ::2], x[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)

    return turned(queries), turned(keys)


def apply_rotary_emb_hf(
    queries: torch.Tensor, keys: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor, start: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """et_vk.apply_rotary_emb_hf: halves of the last dimension are turned together. What lies behind the turned width
    stays.

    Args:
        queries, keys: (batch, tokens, heads, width).
        cosines, sines: (positions, turned width).
        start: position of the first token.

    Returns:
        The queries and the keys, turned.
    """

    def turned(x: torch.Tensor) -> torch.Tensor:
        here = slice(start, start + x.shape[1])
        cos, sin = (one[here].unsqueeze(1) for one in (cosines, sines))
        width = cos.shape[-1]
        first, second = x[..., : width // 2], x[..., width // 2 : width]
        rotated = x[..., :width] * cos + torch.cat([-second, first], dim=-1) * sin
        return torch.cat([rotated, x[..., width:]], dim=-1)

    return turned(queries), turned(keys)
