"""Operators with weights and windows: puts them on a value of a program under construction."""

from math import prod

from hypothesis import strategies as st

from search_space.ir.dtypes import integer_range
from search_space.ir.graph import Step
from search_space.ir.layout_map import Shape
from velatune.testing.random.builder import LARGEST, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.operators import rescaled

LAYERS: Kind = []
LAYERS_1D: Kind = []
WINDOWS: Kind = []

KERNELS = [(1, 1), (3, 3), (1, 3), (3, 1), (2, 2)]


@on("INT8", rank=3, kind=LAYERS)
def _matmul(b: Builder, value: int) -> None:
    n, h, c = b.shape(value)
    kind = b.draw(st.sampled_from(["other", "itself", "constant"]))
    others = [v for v in b.values if b.type(v).dtype == "INT8" and len(b.shape(v)) == 3 and b.shape(v)[:2] == (n, c)]
    if kind == "itself" and n * h * h <= LARGEST:
        other = b.moved(value, (Step("transpose", (0, 2, 1)),))
    elif kind == "other" and others:
        other = b.draw(st.sampled_from(others))
    else:
        other = b.data((n, c, b.draw(st.integers(1, 2))), "INT8", (-128, 127))
    multiplied(b, value, other)


def multiplied(b: Builder, value: int, other: int) -> int | None:
    """Add a MATMUL of INT8 values.

    Args:
        b: the program.
        value: id of a value [N,H,C].
        other: id of a value [N,C,W].

    Returns:
        The id of the INT32 result [N,H,W], or None if it would be too large.
    """
    n, h, c = b.shape(value)
    result = (n, h, b.shape(other)[2])
    if prod(result) > LARGEST:
        return None
    zero_points = b.zero_point("INT8")[1], b.zero_point("INT8")[1]
    return b.op("MATMUL", (value, other, *zero_points), result, "INT32", (-255 * 255 * c, 255 * 255 * c))


def _windows(b: Builder, shape: Shape, kernel: Shape, padded: bool) -> tuple[Shape, Shape, Shape] | None:
    """Padding, strides and the result's two spatial sizes, or None if the kernel does not fit."""
    pad: list[int] = []
    strides, sizes = [], []
    for size, window in zip(shape[1:3], kernel, strict=True):
        here = [b.draw(st.integers(0, window // 2)) if padded else 0 for _ in range(2)]
        way = size + sum(here) - window
        if way < 0:
            return None
        pad += here
        strides.append(b.draw(st.sampled_from([stride for stride in (1, 2, 3) if way % stride == 0])))
        sizes.append(way // strides[-1] + 1)
    return tuple(pad), tuple(strides), tuple(sizes)


@on("INT8", "INT16", rank=4, kind=LAYERS)
def _convolution(b: Builder, value: int) -> None:
    _layer_of(b, value, b.draw(st.sampled_from(KERNELS)))


@on("INT8", "INT16", rank=4, kind=LAYERS)
def _nchw_layer(b: Builder, value: int) -> None:
    """A convolution on NCHW data as ExecuTorch writes it."""
    value = b.moved(value, (Step("transpose", (0, 2, 3, 1)),))
    if _layer_of(b, value, b.draw(st.sampled_from(KERNELS))):
        b.moved(b.values[-1], (Step("transpose", (0, 3, 1, 2)),))


@on("INT8", "INT16", rank=3, kind=LAYERS_1D)
def _layer_1d(b: Builder, value: int) -> None:
    """A convolution over the middle dimension of N, T, C, along the height or the width."""
    n, t, c = b.shape(value)
    along_w = b.draw(st.booleans())
    value = b.moved(value, (Step("reshape", (n, 1, t, c) if along_w else (n, t, 1, c)),))
    size = b.draw(st.sampled_from([1, 2, 3]))
    if _layer_of(b, value, (1, size) if along_w else (size, 1)):
        n, h, w, c = b.shape(b.values[-1])
        b.moved(b.values[-1], (Step("reshape", (n, h * w, c)),))


def _layer_of(b: Builder, value: int, kernel: Shape) -> bool:
    """CONV2D or DEPTHWISE_CONV2D, mostly with its RESCALE; whether there was one that fits."""
    dtype = b.type(value).dtype
    if b.draw(st.booleans()):
        result = depthwise(b, value, kernel, b.draw(st.integers(1, 2)))
    else:
        result = convolved(b, value, kernel, b.draw(st.integers(1, 5)))
    if result is None:
        return False
    if dtype == "INT16" or not b.chance(3):
        for _ in range(2 if b.chance(4) else 1):
            rescaled(b, result, dtype)
    return b.type(b.values[-1]).dtype != "INT48"


def convolved(b: Builder, value: int, kernel: Shape, channels: int) -> int | None:
    """Add a CONV2D with random weights, padding and stride.

    Args:
        b: the program.
        value: id of INT8 or INT16 data [N,H,W,C].
        kernel: (height, width).
        channels: output channels.

    Returns:
        The id of the INT32 or INT48 result, or None if it does not fit.
    """
    found = _windows(b, b.shape(value), kernel, padded=True)
    if found is None:
        return None
    pad, stride, spatial = found
    weights = (channels, *kernel, b.shape(value)[3])
    attributes = {"pad": pad, "stride": stride, "dilation": (1, 1)}
    return accumulated(b, "CONV2D", value, weights, (*spatial, channels), attributes)


def depthwise(b: Builder, value: int, kernel: Shape, multiplier: int) -> int | None:
    """Add a DEPTHWISE_CONV2D with random weights, padding and stride.

    Args:
        b: the program.
        value: id of INT8 or INT16 data [N,H,W,C].
        kernel: (height, width).
        multiplier: output channels for each input channel.

    Returns:
        The id of the INT32 or INT48 result, or None if it does not fit.
    """
    found = _windows(b, b.shape(value), kernel, padded=True)
    if found is None:
        return None
    pad, stride, spatial = found
    channels = b.shape(value)[3]
    attributes = {"pad": pad, "stride": stride, "dilation": (1, 1)}
    weights = (*kernel, channels, multiplier)
    return accumulated(b, "DEPTHWISE_CONV2D", value, weights, (*spatial, channels * multiplier), attributes)


def transpose_convolved(
    b: Builder, value: int, kernel: Shape, channels: int, stride: Shape | None = None, pad: Shape | None = None
) -> int | None:
    """Add a TRANSPOSE_CONV2D with random weights.

    Args:
        b: the program.
        value: id of INT8 or INT16 data [N,H,W,C].
        kernel: (height, width).
        channels: output channels.
        stride: (height, width); drawn if left out.
        pad: padding of the output; drawn if left out.

    Returns:
        The id of the INT32 or INT48 result, or None if it does not fit.
    """
    _, h, w, c = b.shape(value)
    stride = stride or b.draw(st.sampled_from([(1, 1), (2, 2), (1, 2)]))
    pad = pad or tuple(b.draw(st.integers(0, 1)) for _ in range(4))
    down = (h - 1) * stride[0] + pad[0] + pad[1] + kernel[0]
    across = (w - 1) * stride[1] + pad[2] + pad[3] + kernel[1]
    attributes = {"out_pad": pad, "stride": stride}
    return accumulated(b, "TRANSPOSE_CONV2D", value, (channels, *kernel, c), (down, across, channels), attributes)


def accumulated(
    b: Builder, op: str, value: int, weights: Shape, result: Shape, attributes: dict[str, Shape]
) -> int | None:
    """Add one of the convolutions, with random weights and bias.

    Args:
        b: the program.
        op: its name in TOSA.
        value: id of INT8 or INT16 data [N,H,W,C].
        weights: shape of the weights.
        result: shape of the result without the batch.
        attributes: padding, stride and the like.

    Returns:
        The id of the INT32 or INT48 result, or None if it does not fit.
    """
    shape, dtype = (b.shape(value)[0], *result), b.type(value).dtype
    if prod(shape) > LARGEST:
        return None
    accumulator = "INT32" if dtype == "INT8" else "INT48"
    zero, zero_id = b.zero_point(dtype)
    bias = b.random.integers(-1000, 1001, shape[-1] if b.draw(st.booleans()) else 1)
    parameters = (
        b.data(weights, "INT8", (-127, 127)), b.parameter(bias, accumulator, bias.shape), zero_id,
        b.parameter(0, "INT8"),
    )  # fmt: skip
    reach = (abs(zero) - integer_range(dtype)[0]) * 127 * prod(weights) + 1000
    return b.op(
        op, (value, *parameters), shape, accumulator, (-reach, reach), **attributes, local_bound=False,
        acc_type=accumulator,
    )  # fmt: skip


@on("INT8", "INT16", rank=4, kind=WINDOWS)
def _depthwise_window(b: Builder, value: int) -> None:
    """One result for a channel; often without a RESCALE."""
    dtype = b.type(value).dtype
    result = depthwise(b, value, b.draw(st.sampled_from(KERNELS)), 1)
    if result is not None and (dtype == "INT16" or b.chance(3)):
        rescaled(b, result, dtype)


@on("INT8", "INT16", rank=4, kind=WINDOWS)
def _pool(b: Builder, value: int) -> None:
    shape, dtype, kernel = b.shape(value), b.type(value).dtype, b.draw(st.sampled_from(KERNELS))
    found = _windows(b, shape, kernel, padded=min(kernel) > 1)
    if found is None:
        return
    pad, stride, spatial = found
    result = (shape[0], *spatial, shape[3])
    if b.draw(st.booleans()):
        b.op("MAX_POOL2D", (value,), result, dtype, kernel=kernel, stride=stride, pad=pad, nan_mode="PROPAGATE")
    else:
        zero_points = b.zero_point(dtype)[1], b.zero_point(dtype)[1]
        b.op(
            "AVG_POOL2D", (value, *zero_points), result, dtype, kernel=kernel, stride=stride, pad=pad, acc_type="INT32"
        )


@on("INT8", "INT16", rank=4, kind=WINDOWS)
def _resize(b: Builder, value: int) -> None:
    """NEAREST, or of INT8 values BILINEAR; height and width scaled by different factors."""
    n, *spatial, c = b.shape(value)
    dtype = b.type(value).dtype
    bilinear = dtype == "INT8" and b.draw(st.booleans())
    scale: list[int] = []
    offset, border, sizes = [], [], []
    for size in spatial:
        up, down = b.draw(st.sampled_from([(1, 1), (2, 1), (4, 2), (2, 2), (2, 3), (3, 2)]))
        offset.append(b.draw(st.integers(1 - up, up - 1)))
        way = (size - 1) * up - offset[-1]
        fitting = [edge for edge in range(1 - up, up) if way + edge >= 0 and (way + edge) % down == 0]
        if not fitting:
            return
        border.append(b.draw(st.sampled_from(fitting)))
        scale += [up, down]
        sizes.append((way + border[-1]) // down + 1)
    if n * prod(sizes) * c > LARGEST:
        return
    reach = 128 * scale[0] * scale[2]
    b.op(
        "RESIZE", (value,), (n, *sizes, c), "INT32" if bilinear else dtype, (-reach, reach) if bilinear else None,
        mode="BILINEAR" if bilinear else "NEAREST", scale=tuple(scale), offset=tuple(offset),
        border=tuple(border),
    )  # fmt: skip
