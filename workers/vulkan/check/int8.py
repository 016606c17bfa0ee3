"""References of the fused int8 operators: integers in, exact sums, one rounding at the end.

A quantised value q stands for scale * (q - zero). Weights are symmetric with a scale for each output channel. Sums of
products of 8-bit integers are exact in double precision up to 2**37 of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from workers.errors import ModelError

LOW, HIGH = -128, 127


def quantised(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
    """Numbers of single precision as int8; rounds half to even and saturates, as quantized_decomposed does.

    Args:
        x: floats of any shape.
        scale, zero: what int8 values stand for.

    Returns:
        int8, of the shape of x.
    """
    inverse = torch.tensor(1.0) / torch.tensor(scale, dtype=torch.float32)
    return (torch.round(x * inverse) + zero).clamp(LOW, HIGH).to(torch.int8)


def dequantised(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
    """What int8 values stand for, in single precision.

    Args:
        x: int8 of any shape.
        scale, zero: as of `quantised`.

    Returns:
        Floats, of the shape of x.
    """
    return (x.to(torch.float32) - zero) * torch.tensor(scale, dtype=torch.float32)


def _finished(
    sums: torch.Tensor,
    scales: torch.Tensor,
    bias: torch.Tensor | None,
    channel: int,
    output: tuple[float, int] | None,
    activation: str,
) -> torch.Tensor:
    """sums: of products of integers. scales: what a unit stands for, by output channel. output: scale and zero, or None
    for floats. Constants may be longer than there are channels, because the backend pads them."""
    channels = sums.shape[channel]
    shape = [channels if axis == channel % sums.ndim else 1 for axis in range(sums.ndim)]
    out = (sums * scales[:channels].to(torch.float64).reshape(shape)).to(torch.float32)
    if bias is not None:
        out = out + bias[:channels].to(torch.float32).reshape(shape)
    if activation == "relu":
        out = out.relu()
    return out if output is None else quantised(out, *output)


def _scales(weight_scales: torch.Tensor, input_scale: float) -> torch.Tensor:
    return weight_scales.to(torch.float64) * float(torch.tensor(input_scale, dtype=torch.float32))


def q8ta_linear(
    x: torch.Tensor,
    input_scale: float,
    input_zero: int,
    weights: torch.Tensor,
    weight_sums: torch.Tensor,
    weight_scales: torch.Tensor,
    output_scale: float,
    output_zero: int,
    bias: torch.Tensor | None = None,
    activation: str = "none",
) -> torch.Tensor:
    """et_vk.q8ta_linear and q8ta_linear_gemv.

    Args:
        x: int8 (..., K).
        input_scale, input_zero: of x.
        weights: int8, (N, K), rows possibly padded.
        weight_sums: of the weights of each output channel; not needed where sums are exact.
        weight_scales: of each output channel, possibly padded.
        output_scale, output_zero: of the output.
        bias: floats of each output channel.
        activation: `none` or `relu`.

    Returns:
        int8 (..., N).
    """
    sums = (x.to(torch.float64) - input_zero) @ weights[:, : x.shape[-1]].to(torch.float64).T
    return _finished(sums, _scales(weight_scales, input_scale), bias, -1, (output_scale, output_zero), activation)


def linear_q8ta_q8csw(
    x: torch.Tensor,
    input_scale: float,
    input_zero: int,
    weights: torch.Tensor,
    weight_sums: torch.Tensor,
    weight_scales: torch.Tensor,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """et_vk.linear_q8ta_q8csw: as q8ta_linear, but takes floats that it quantises itself, and gives floats.

    Args:
        x: floats (..., K).
        input_scale, input_zero: by which x is quantised.
        weights: int8, (N, K), rows possibly padded.
        weight_sums: of the weights of each output channel; not needed where sums are exact.
        weight_scales: of each output channel, possibly padded.
        bias: floats of each output channel.

    Returns:
        Floats (..., N).

    Raises:
        ModelError: it gets integers, which the runtime does not take either.
    """
    if not x.is_floating_point():
        raise ModelError("linear_q8ta_q8csw takes floats, and is given integers")
    integers = quantised(x, input_scale, input_zero)
    sums = (integers.to(torch.float64) - input_zero) @ weights[:, : x.shape[-1]].to(torch.float64).T
    return _finished(sums, _scales(weight_scales, input_scale), bias, -1, None, "none")


def q8ta_conv2d(
    x: torch.Tensor,
    input_scale: float,
    input_zero: int,
    weights: torch.Tensor,
    weight_sums: torch.Tensor,
    weight_scales: torch.Tensor,
    output_scale: float,
    output_zero: int,
    bias: torch.Tensor | None,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    activation: str,
) -> torch.Tensor:
    """et_vk.q8ta_conv2d and q8ta_conv2d_pw.

    Args:
        x: int8 (1, C, H, W).
        input_scale, input_zero: of x.
        weights: int8, (OC, KH * KW * C / groups), channels innermost, rows padded at their ends.
        weight_sums: of the weights of each output channel; not needed where sums are exact.
        weight_scales: of each output channel, possibly padded.
        output_scale, output_zero: of the output.
        bias: floats of each output channel.
        kernel: height and width of the filter.
        stride, padding, dilation: along height and width.
        groups: in which channels are convolved apart.
        activation: `none` or `relu`.

    Returns:
        int8 (1, OC, OH, OW).
    """
    height, width = kernel
    channels = x.shape[1] // groups
    rows = weights[:, : height * width * channels].reshape(weights.shape[0], height, width, channels)
    sums = F.conv2d(
        x.to(torch.float64) - input_zero,
        rows.permute(0, 3, 1, 2).to(torch.float64),
        None, stride, padding, dilation, groups,
    )  # fmt: skip
    return _finished(sums, _scales(weight_scales, input_scale), bias, 1, (output_scale, output_zero), activation)


def q8ta_conv2d_dw(
    x: torch.Tensor,
    input_scale: float,
    input_zero: int,
    weights: torch.Tensor,
    weight_sums: torch.Tensor,
    weight_scales: torch.Tensor,
    output_scale: float,
    output_zero: int,
    bias: torch.Tensor | None,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    activation: str,
) -> torch.Tensor:
    """et_vk.q8ta_conv2d_dw: as q8ta_conv2d with one input channel for each output channel.

    Args:
        x: int8 (1, C, H, W).
        input_scale, input_zero: of x.
        weights: int8, (KH, KW, OC).
        weight_sums: of the weights of each output channel; not needed where sums are exact.
        weight_scales: of each output channel, possibly padded.
        output_scale, output_zero: of the output.
        bias: floats of each output channel.
        kernel: height and width of the filter.
        stride, padding, dilation: along height and width.
        groups: in which channels are convolved apart.
        activation: `none` or `relu`.

    Returns:
        int8 (1, OC, OH, OW).
    """
    filters = weights[..., :groups].permute(2, 0, 1).unsqueeze(1).to(torch.float64)
    sums = F.conv2d(x.to(torch.float64) - input_zero, filters, None, stride, padding, dilation, groups)
    return _finished(sums, _scales(weight_scales, input_scale), bias, 1, (output_scale, output_zero), activation)


def q8ta_conv2d_transposed(
    x: torch.Tensor,
    input_scale: float,
    input_zero: int,
    weights: torch.Tensor,
    weight_sums: torch.Tensor,
    weight_scales: torch.Tensor,
    output_scale: float,
    output_zero: int,
    bias: torch.Tensor | None,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    activation: str,
) -> torch.Tensor:
    """et_vk.q8ta_conv2d_transposed.

    Args:
        x: int8 (1, C, H, W).
        input_scale, input_zero: of x.
        weights: int8, (OC, KH * KW * C / groups), channels innermost.
        weight_sums: of the weights of each output channel; not needed where sums are exact.
        weight_scales: of each output channel, possibly padded.
        output_scale, output_zero: of the output.
        bias: floats of each output channel.
        kernel: height and width of the filter.
        stride, padding, dilation: along height and width.
        output_padding: along height and width.
        groups: in which channels are convolved apart.
        activation: `none` or `relu`.

    Returns:
        int8 (1, OC, OH, OW).
    """
    height, width = kernel
    channels, out = x.shape[1] // groups, weights.shape[0]
    rows = weights[:, : height * width * channels].reshape(groups, out // groups, height, width, channels)
    filters = rows.permute(0, 4, 1, 2, 3).reshape(groups * channels, out // groups, height, width).to(torch.float64)
    integers = x.to(torch.float64) - input_zero
    sums = F.conv_transpose2d(integers, filters, None, stride, padding, output_padding, groups, dilation)
    return _finished(sums, _scales(weight_scales, input_scale), bias, 1, (output_scale, output_zero), activation)


def q8ta_add(
    a: torch.Tensor,
    b: torch.Tensor,
    a_scale: float,
    a_zero: int,
    b_scale: float,
    b_zero: int,
    output_scale: float,
    output_zero: int,
    alpha: float,
) -> torch.Tensor:
    """et_vk.q8ta_add: a + alpha * b.

    Args:
        a, b: int8 of one shape.
        a_scale, a_zero: of a.
        b_scale, b_zero: of b.
        output_scale, output_zero: of the output.
        alpha: by which b is multiplied.

    Returns:
        int8, of the shape of a.
    """
    return quantised(
        dequantised(a, a_scale, a_zero) + alpha * dequantised(b, b_scale, b_zero), output_scale, output_zero
    )


def q8ta_relu(
    x: torch.Tensor, input_scale: float, input_zero: int, output_scale: float, output_zero: int
) -> torch.Tensor:
    """et_vk.q8ta_relu.

    Args:
        x: int8 of any shape.
        input_scale, input_zero: of x.
        output_scale, output_zero: of the output.

    Returns:
        int8, of the shape of x.
    """
    return quantised(dequantised(x, input_scale, input_zero).relu(), output_scale, output_zero)


def q8ta_pixel_shuffle(
    x: torch.Tensor, input_scale: float, input_zero: int, inverse_scale: float, output_zero: int, factor: int
) -> torch.Tensor:
    """et_vk.q8ta_pixel_shuffle.

    Args:
        x: int8 (1, C * factor * factor, H, W).
        input_scale, input_zero: of x.
        inverse_scale: the inverse of the output's scale.
        output_zero: of the output.
        factor: by which height and width grow.

    Returns:
        int8 (1, C, H * factor, W * factor).
    """
    shuffled = F.pixel_shuffle(dequantised(x, input_scale, input_zero), factor)
    inverse = torch.tensor(inverse_scale, dtype=torch.float32)
    return (torch.round(shuffled * inverse) + output_zero).clamp(LOW, HIGH).to(torch.int8)
