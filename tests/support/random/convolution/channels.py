"""Permutations of channels between convolutions, and operators that take every channel alike around them."""

from math import prod

from hypothesis import strategies as st

from search_space.ir.graph import Step, TensorType
from velatune.testing.random.builder import ALL, LARGEST, Builder, primes
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import KERNELS, WINDOWS, convolved, multiplied, transpose_convolved
from velatune.testing.random.movements import read, written
from velatune.testing.random.operators import ELEMENTWISE, RESCALES, SLICES, rescaled

CHANNEL_ORDERS: Kind = []
_TIED: Kind = []

_CHANNELS = [4, 4, 6, 8]


@on(*ALL, kind=CHANNEL_ORDERS)
def _permuted_between_convolutions(b: Builder, value: int) -> None:
    """Convolution, RESCALE, operators on channels, a permutation, again operators, and a convolution."""
    n, h, w = b.draw(st.sampled_from([(1, 1, 1), (1, 2, 2), (1, 2, 3), (2, 1, 2), (2, 2, 2)]))
    source = b.input(TensorType((n, h, w, b.draw(st.integers(1, 3))), "INT8"))
    channels = b.draw(st.sampled_from(_CHANNELS))
    given = _given(b, source, channels)
    value = _tied(b, given)
    if b.chance(4):
        value = _added(b, value, _given(b, source, channels))
    if b.draw(st.booleans()) or len(b.shape(value)) != 4:
        value = _permuted(b, value)
        value = _tied(b, value)
    else:
        value = _tied(b, b.moved(value, _pixels_and_channels(b, value)))
    _taken(b, value)
    if b.chance(4):
        b.moved(given, (Step("transpose", (0, 3, 1, 2)),))
    if b.chance(8):
        read(b, value)


def _given(b: Builder, source: int, channels: int) -> int:
    """INT8 channels that a convolution gives."""
    convolve = transpose_convolved if b.chance(4) else convolved
    result = convolve(b, source, (1, 1), channels)
    assert result is not None
    return rescaled(b, result, "INT8") if b.type(result).dtype == "INT32" else result


def _tied(b: Builder, value: int) -> int:
    """A few operators that take every channel alike."""
    for _ in range(b.draw(st.sampled_from([0, 0, 1, 2]))):
        kind = b.draw(st.sampled_from([ELEMENTWISE, RESCALES, WINDOWS, SLICES, _TIED]))
        value = read(b, value, kind)
    return value


def _added(b: Builder, value: int, other: int) -> int:
    """A residual sum of two INT8 values, or of a value and one number for each channel."""
    if b.type(value).dtype != "INT8" or b.type(value) != b.type(other):
        return value
    tensor = b.type(value)
    wide = rescaled(b, value, "INT32")
    if value != other:
        second = rescaled(b, other, "INT32")
    else:
        shape = (1,) * (len(tensor.shape) - 1) + tensor.shape[-1:]
        second = b.data(shape, "INT32", (-1000, 1000))
    bounds = b.bounds[wide][0] + b.bounds[second][0], b.bounds[wide][1] + b.bounds[second][1]
    total = b.op("ADD", b.either_way(wide, second), tensor.shape, "INT32", bounds)
    return rescaled(b, total, "INT8")


@on("INT8", kind=_TIED)
def _with_itself(b: Builder, value: int) -> None:
    _added(b, value, value)


@on(*ALL, kind=_TIED)
def _beside(b: Builder, value: int) -> None:
    """CONCAT with itself along another dimension than the channels."""
    shape = b.shape(value)
    if len(shape) > 1 and 2 * prod(shape) <= LARGEST:
        axis = b.draw(st.integers(0, len(shape) - 2))
        result = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
        b.op("CONCAT", (value, value), result, b.type(value).dtype, b.bounds[value], axis=axis)


def _permuted(b: Builder, value: int) -> int:
    """Channels cut into groups and shuffled, written as one map or as three."""
    *rows, c = b.shape(value)
    factors = primes(c)
    if len(factors) < 2:
        return value
    groups = b.draw(st.sampled_from([(factors[0], c // factors[0]), (c // factors[0], factors[0])]))
    at = len(rows)
    steps = written((*rows, c), (*rows, *groups), (*range(at), at + 1, at), (*rows, c))
    if not b.chance(4):
        return b.moved(value, steps)
    for step in steps:
        value = b.moved(value, (step,))
    return value


def _pixels_and_channels(b: Builder, value: int) -> tuple[Step, ...]:
    """A pixel shuffle, its inverse, or all of [N,H,W,C] as NCHW in one row."""
    n, h, w, c = shape = b.shape(value)
    ways = [
        written(shape, shape, (0, 3, 1, 2), (1, n, c * h * w)),
        written(shape, shape, (0, 3, 1, 2), (n, 1, 1, c * h * w)),
    ]
    if c % 4 == 0:
        pieces = (n * h, w, c // 4, 2, 2)
        ways.append(written(shape, pieces, (0, 3, 1, 4, 2), (n, h * 2, w * 2, c // 4)))
    if h % 2 == w % 2 == 0:
        ways.append(written(shape, (n * h // 2, 2, w // 2, 2, c), (0, 2, 4, 1, 3), (n, h // 2, w // 2, c * 4)))
    return b.draw(st.sampled_from(ways))


def _taken(b: Builder, value: int) -> None:
    """A convolution that takes the channels."""
    if b.type(value).dtype != "INT8":
        if b.type(value).dtype not in ("INT16", "INT32"):
            return
        value = rescaled(b, value, "INT8")
    shape = b.shape(value)
    if len(shape) == 3:
        multiplied(b, value, b.data((shape[0], shape[2], b.draw(st.integers(1, 3))), "INT8", (-128, 127)))
    elif len(shape) == 4:
        way = b.draw(st.sampled_from([convolved, convolved, transpose_convolved]))
        kernel = b.draw(st.sampled_from([(1, 1), *KERNELS]))
        if way(b, value, kernel, b.draw(st.integers(1, 4))) is None:
            convolved(b, value, (1, 1), 1)
