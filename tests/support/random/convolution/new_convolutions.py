"""Layers that are done otherwise as convolutions."""

from hypothesis import strategies as st

from search_space.ir.graph import TensorType
from velatune.testing.random.builder import ALL, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import convolved, depthwise, transpose_convolved
from velatune.testing.random.operators import rescaled

PHASES: Kind = []
FEW_INPUTS: Kind = []
DEPTHWISE: Kind = []
AVERAGES: Kind = []
WHOLE_AVERAGES: Kind = []


@on(*ALL, kind=PHASES)
def _phases(b: Builder, value: int) -> None:
    """TRANSPOSE_CONV2D whose result is its data times its stride, and RESCALE."""
    n, h, w, c = (b.draw(st.integers(1, most)) for most in (2, 4, 4, 3))
    value = b.input(TensorType((n, h, w, c), "INT8"))
    stride = b.draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (2, 1), (3, 2)]))
    kernel = b.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    pad = []
    for step, size in zip(stride, kernel, strict=True):
        before = b.draw(st.integers(min(0, step - size), max(0, step - size)))
        pad += [before, step - size - before]
    sums = transpose_convolved(b, value, kernel, b.draw(st.integers(1, 3)), stride, tuple(pad))
    if sums is not None:
        rescaled(b, sums, "INT8")


@on(*ALL, kind=FEW_INPUTS)
def _narrow(b: Builder, value: int) -> None:
    """A convolution with few channels on rows of several pixels, and RESCALE."""
    h, c = b.draw(st.integers(2, 4)), b.draw(st.sampled_from([1, 3, 4, 8]))
    value = b.input(TensorType((1, h, b.draw(st.sampled_from([11, 12, 18, 24])), c), "INT8"))
    sums = convolved(b, value, b.draw(st.sampled_from([(2, 3), (1, 3), (1, 1)])), b.draw(st.integers(1, 3)))
    if sums is not None:
        rescaled(b, sums, "INT8")


@on(*ALL, kind=DEPTHWISE)
def _depthwise(b: Builder, value: int) -> None:
    """Up to 8 channels, or some more, and RESCALE."""
    h, w = b.draw(st.integers(2, 4)), b.draw(st.integers(2, 4))
    channels, times = b.draw(st.sampled_from([(2, 1), (3, 2), (8, 1), (9, 1), (9, 2), (17, 1)]))
    value = b.input(TensorType((1, h, w, channels), "INT8"))
    sums = depthwise(b, value, b.draw(st.sampled_from([(1, 1), (2, 3), (1, 3)])), times)
    if sums is not None:
        rescaled(b, sums, "INT8")


@on(*ALL, kind=AVERAGES)
def _average(b: Builder, value: int) -> None:
    """AVG_POOL2D without padding, of more than one window."""
    _averaged(b, (b.draw(st.integers(2, 3)), b.draw(st.integers(1, 3))))


@on(*ALL, kind=WHOLE_AVERAGES)
def _average_of_all(b: Builder, value: int) -> None:
    _averaged(b, (1, 1))


def _averaged(b: Builder, size: tuple[int, int]) -> None:
    n, c = b.draw(st.integers(1, 2)), b.draw(st.integers(1, 3))
    kernel = b.draw(st.sampled_from([(2, 2), (3, 3), (1, 3)]))
    stride = b.draw(st.integers(1, 2)), b.draw(st.integers(1, 2))
    full = ((one - 1) * step + window for one, step, window in zip(size, stride, kernel, strict=True))
    value = b.input(TensorType((n, *full, c), "INT8"))
    zero_points = b.zero_point("INT8")[1], b.zero_point("INT8")[1]
    b.op(
        "AVG_POOL2D", (value, *zero_points), (n, *size, c), "INT8", kernel=kernel, stride=stride, pad=(0, 0, 0, 0),
        acc_type="INT32",
    )  # fmt: skip
