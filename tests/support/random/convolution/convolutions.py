"""Convolutions that step over pixels, and transposes that are convolutions: puts them on new inputs of a program under
construction."""

from dataclasses import replace
from math import prod

from hypothesis import strategies as st

from search_space.ir.graph import Step, TensorType
from search_space.ir.layout_map import Shape
from velatune.testing.random.builder import INTEGERS, LARGEST, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import accumulated
from velatune.testing.random.operators import rescaled

BLOCKS: Kind = []
COLUMNS: Kind = []
DILATED: Kind = []
NARROW: Kind = []
PADDED: Kind = []
PIXELS: Kind = []
STRIDED: Kind = []
TALL: Kind = []


@on(*INTEGERS, kind=STRIDED)
def _strided(b: Builder, value: int) -> None:
    """Of few channels, with strides that the NPU has and that it has not."""
    along_w = b.draw(st.booleans())
    stride = (b.draw(st.sampled_from([1, 1, 2, 4])), b.draw(st.sampled_from([2, 4, 5])))
    kernel = (b.draw(st.integers(1, 3)), b.draw(st.integers(2, 6)))
    if not along_w:
        stride, kernel = stride[::-1], kernel[::-1]
    convolution(b, kernel, stride, (1, 1), b.draw(st.sampled_from([1, 1, 2, 3])), b.draw(st.booleans()))


@on(*INTEGERS, kind=COLUMNS)
def _column(b: Builder, value: int) -> None:
    """Along the height, of data without width; or with one, now and then."""
    n, h, w, c = b.draw(st.integers(1, 2)), b.draw(st.integers(2, 6)), 2 if b.chance(6) else 1, 2
    value = b.input(TensorType((n, h, w, c), b.draw(st.sampled_from(["INT8", "INT8", "INT16"]))))
    rows = b.draw(st.integers(1, 4))
    before, after = (b.draw(st.integers(0, rows - 1)) for _ in range(2))
    reach = h + before + after - rows
    if reach >= 0:
        step = b.draw(st.sampled_from([step for step in (1, 2, 4) if reach % step == 0]))
        pad, results = (before, after, 0, 0), (reach // step + 1, w)
        convolved(b, value, pad, (rows, 1), (step, 1), (1, 1), results, b.draw(st.booleans()))


def convolution(b: Builder, kernel: Shape, stride: Shape, dilation: Shape, channels: int, depthwise: bool) -> None:
    """CONV2D or DEPTHWISE_CONV2D of a new input, mostly with its RESCALE."""
    sizes, pad, results = [], (), []
    for size, step, apart in zip(kernel, stride, dilation, strict=True):
        reach = (size - 1) * apart + 1
        before, after = (b.draw(st.integers(0, reach - 1)) for _ in range(2))
        most = b.draw(st.integers(0, 3))
        least = -(-max(0, before + after + 1 - reach) // step)
        results.append(max(most, least) + 1)
        sizes.append((results[-1] - 1) * step + reach - before - after)
        pad += (before, after)
    dtype = b.draw(st.sampled_from(["INT8", "INT8", "INT16"]))
    shape = (b.draw(st.integers(1, 2)), *sizes, channels)
    if prod(shape) > LARGEST:
        return
    value = b.input(TensorType(shape, dtype))
    convolved(b, value, pad, kernel, stride, dilation, tuple(results), depthwise)


def convolved(
    b: Builder, value: int, pad: Shape, kernel: Shape, stride: Shape, dilation: Shape, results: Shape, depthwise: bool
) -> int | None:
    """CONV2D or DEPTHWISE_CONV2D of a value; results: spatial sizes."""
    channels, dtype = b.shape(value)[3], b.type(value).dtype
    out = b.draw(st.integers(1, 3))
    weights = (*kernel, channels, out) if depthwise else (out, *kernel, channels)
    attributes = {"pad": pad, "stride": stride, "dilation": dilation}
    op = "DEPTHWISE_CONV2D" if depthwise else "CONV2D"
    result = accumulated(b, op, value, weights, (*results, channels * out if depthwise else out), attributes)
    if result is not None and (dtype == "INT16" or not b.chance(3)):
        rescaled(b, result, dtype)
    return result


@on(*INTEGERS, kind=BLOCKS)
def _transposed(b: Builder, value: int) -> None:
    """INT8 values, in one transpose or two."""
    value = b.wide_input(("INT8",))
    for _ in range(b.draw(st.integers(1, 2))):
        perms = tuple(b.draw(st.permutations(range(len(b.shape(value))))))
        value = b.moved(value, (Step("transpose", perms),))


@on(*INTEGERS, kind=DILATED)
def _dilated(b: Builder, value: int) -> None:
    """Along the height or, of data without one, along the width."""
    kernel = (1 if b.chance(5) else b.draw(st.integers(2, 3)), b.draw(st.sampled_from([1, 1, 1, 2])))
    dilation = (b.draw(st.integers(3, 5)), b.draw(st.sampled_from([1, 3])))
    convolution(b, kernel, (1, 1), dilation, b.draw(st.integers(1, 3)), b.draw(st.booleans()))


@on(*INTEGERS, kind=PADDED)
def _padded(b: Builder, value: int) -> None:
    """With the convolution's zero point, mostly; before the data are moved for it or after."""
    n, h, w, c = (b.draw(st.integers(1, most)) for most in (2, 4, 4, 3))
    kernel = (b.draw(st.integers(1, 3)), b.draw(st.integers(2, 3)))
    pads = [b.draw(st.integers(0, size - 1)) for size in kernel for _ in range(2)]
    sizes = h + sum(pads[:2]), w + sum(pads[2:])
    if any(k > size for k, size in zip(kernel, sizes, strict=True)):
        return
    nchw = b.draw(st.booleans())
    value = b.input(TensorType((n, c, h, w) if nchw else (n, h, w, c), "INT8"))
    padding = (0, 0, 0, 0, *pads) if nchw else (0, 0, *pads, 0, 0)
    shape = (n, c, *sizes) if nchw else (n, *sizes, c)
    zero = b.draw(st.sampled_from([0, 0, 0, 11]))
    value = b.op("PAD", (value, b.parameter(zero, "INT8")), shape, "INT8", padding=padding)
    if nchw:
        value = b.moved(value, (Step("transpose", (0, 2, 3, 1)),))
    results = tuple(size - k + 1 for k, size in zip(kernel, sizes, strict=True))
    result = convolved(b, value, (0, 0, 0, 0), kernel, (1, 1), (1, 1), results, b.draw(st.booleans()))
    if result is not None and not b.chance(5):
        node = b.nodes[result]
        b.nodes[result] = replace(node, inputs=(*node.inputs[:3], b.parameter(0, "INT8"), node.inputs[4]))


@on(*INTEGERS, kind=PIXELS)
def _pixels(b: Builder, value: int) -> None:
    """A linear layer, in batches or in a column."""
    rows, channels = b.draw(st.sampled_from([2, 4, 6, 3])), b.draw(st.sampled_from([3, 17, 17, 20]))
    shape = b.draw(st.sampled_from([(rows, 1, 1), (1, rows, 1), (2, 1, rows)]))
    value = b.input(TensorType((*shape, channels), "INT8"))
    convolved(b, value, (0, 0, 0, 0), (1, 1), (1, 1), (1, 1), shape[1:], depthwise=False)


@on(*INTEGERS, kind=NARROW)
def _narrow(b: Builder, value: int) -> None:
    """Of so few pixels that a part of the kernel meets none of them."""
    n, h, w, c = b.draw(st.integers(1, 2)), b.draw(st.integers(1, 2)), b.draw(st.integers(1, 3)), 1
    value = b.input(TensorType((n, h, w, c), "INT8"))
    kernel = (b.draw(st.sampled_from([1, 3])), b.draw(st.integers(2, 4)))
    pad = tuple(b.draw(st.integers(0, size - 1)) for size in kernel for _ in range(2))
    results = tuple(
        size + sum(pad[2 * d : 2 * d + 2]) - k + 1 for d, (size, k) in enumerate(zip((h, w), kernel, strict=True))
    )
    if min(results) > 0:
        convolved(b, value, pad, kernel, (1, 1), (1, 1), results, b.draw(st.booleans()))


@on(*INTEGERS, kind=TALL)
def _tall(b: Builder, value: int) -> None:
    """More rows than columns, under a convolution or a pool."""
    n, w, c = b.draw(st.integers(1, 2)), b.draw(st.integers(1, 2)), b.draw(st.integers(1, 3))
    h = w + b.draw(st.integers(1, 4))
    value = b.input(TensorType((n, h, w, c), b.draw(st.sampled_from(["INT8", "INT16"]))))
    if b.chance(3):
        result = (n, h, w, c)
        b.op(
            "MAX_POOL2D", (value,), result, b.type(value).dtype, kernel=(3, 2), stride=(1, 1), pad=(1, 1, 1, 0),
            nan_mode="PROPAGATE",
        )  # fmt: skip
    else:
        convolved(b, value, (1, 1, 1, 0), (3, 2), (1, 1), (1, 1), (h, w), b.draw(st.booleans()))
