"""Convolutions that step over pixels, and transposes that are convolutions: puts them on new inputs of a program under
construction."""

from math import prod

from hypothesis import strategies as st
from random_builder import INTEGERS, LARGEST, Builder
from random_kinds import Kind, on
from random_layers import accumulated
from random_operators import rescaled

from search_space.graph import Step, TensorType
from search_space.layout_map import Shape

BLOCKS: Kind = []
DILATED: Kind = []
STRIDED: Kind = []


@on(*INTEGERS, kind=STRIDED)
def _strided(b: Builder, value: int) -> None:
    """Of few channels, with strides that the NPU has and that it has not."""
    along_w = b.draw(st.booleans())
    stride = (b.draw(st.sampled_from([1, 1, 2, 4])), b.draw(st.sampled_from([2, 4, 5])))
    kernel = (b.draw(st.integers(1, 3)), b.draw(st.integers(2, 6)))
    if not along_w:
        stride, kernel = stride[::-1], kernel[::-1]
    convolution(b, kernel, stride, (1, 1), b.draw(st.sampled_from([1, 1, 2, 3])), b.draw(st.booleans()))


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
    out = b.draw(st.integers(1, 3))
    weights = (*kernel, channels, out) if depthwise else (out, *kernel, channels)
    attributes = {"pad": pad, "stride": stride, "dilation": dilation}
    op = "DEPTHWISE_CONV2D" if depthwise else "CONV2D"
    result = accumulated(b, op, value, weights, (*results, channels * out if depthwise else out), attributes)
    if result is not None and (dtype == "INT16" or not b.chance(3)):
        rescaled(b, result, dtype)


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
