"""Sums over pixels as ExecuTorch lowers a mean, products that are better turned, and few channels."""

from math import gcd

from hypothesis import strategies as st

from search_space.ir.graph import Step, TensorType
from velatune.testing.random.builder import INTEGERS, LARGEST, SAFE, Builder, wide_shapes
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import multiplied
from velatune.testing.random.movements import read
from velatune.testing.random.operators import ELEMENTWISE, rescaled

SUMS: Kind = []
TURNED_PRODUCTS: Kind = []
FEW_CHANNELS: Kind = []
SCALED_SUMS: Kind = []
MAXIMA: Kind = []
COLUMNS: Kind = []

_TURN = (Step("transpose", (0, 2, 1)),)


@on(*INTEGERS, kind=SUMS)
def _mean(b: Builder, value: int) -> None:
    """RESCALE by one to INT32, and REDUCE_SUM over height, width or both."""
    n, h, w, c = (b.draw(st.integers(1, most)) for most in (2, 5, 5, 3))
    if b.chance(4):  # more than a kernel has
        n, w, c = 1, b.draw(st.integers(1, 2)), 1
        h = b.draw(st.integers(65, LARGEST // w))
    value = b.input(TensorType((n, h, w, c), "INT8"))
    parameters = (
        b.parameter(1 << 30, "INT32"), b.parameter(30, "INT8"), b.zero_point("INT8")[1], b.parameter(0, "INT32"),
    )  # fmt: skip
    value = b.op(
        "RESCALE", (value, *parameters), (n, h, w, c), "INT32", (-255, 255), scale32=True,
        rounding_mode="SINGLE_ROUND", per_channel=False, input_unsigned=False, output_unsigned=False,
    )  # fmt: skip
    for axis in b.draw(st.sampled_from([(1, 2), (2, 1), (1,), (2,), (2, 3)])):
        shape = b.shape(value)
        low, high = (bound * shape[axis] for bound in b.bounds[value])
        result = (*shape[:axis], 1, *shape[axis + 1 :])
        value = b.op("REDUCE_SUM", (value,), result, "INT32", (low, high), axis=axis)
    if b.draw(st.booleans()):
        rescaled(b, value, "INT8")


@on(*INTEGERS, kind=TURNED_PRODUCTS)
def _product_of_turned(b: Builder, value: int) -> None:
    """MATMUL of values that are turned for it, RESCALE, and turned back."""
    n, h, c, w = (b.draw(st.integers(1, 3)) for _ in range(4))
    first = b.input(TensorType((n, c, h), "INT8"))
    second = b.input(TensorType((n, w, c), "INT8"))
    turned = [b.moved(first, _TURN) if b.chance(2) else b.input(TensorType((n, h, c), "INT8")), b.moved(second, _TURN)]
    product = multiplied(b, turned[0], turned[1])
    if product is None:
        return
    result = rescaled(b, product, "INT8", by_one=b.chance(2))
    if b.chance(4):
        result = read(b, result)
    b.moved(result, _TURN)


@on(*INTEGERS, kind=FEW_CHANNELS)
def _few_channels(b: Builder, value: int) -> None:
    """Operators that treat every element alike, on so many pixels that bricks of 16 channels can be filled."""
    channels = b.draw(st.sampled_from([2, 4, 6, 8, 12]))
    pixels = 16 // gcd(16, channels) * b.draw(st.integers(1, 2))
    rows = b.draw(st.sampled_from([1, 2]))
    value = b.input(TensorType((1, rows, pixels // rows, channels), b.draw(st.sampled_from(INTEGERS))))
    for _ in range(b.draw(st.integers(1, 3))):
        if b.type(value).dtype == "INT32" and max(map(abs, b.bounds[value])) < SAFE - 50 and b.draw(st.booleans()):
            shape = b.draw(st.sampled_from([(1, 1, 1, channels), (1, channels, 1), (2, channels // 2)]))
            step = b.draw(st.sampled_from(["reshape", "reshape", "transpose"]))
            each = b.data(shape, "INT32", (-50, 50))
            if step == "transpose":
                each = b.moved(each, (Step("transpose", tuple(reversed(range(len(shape))))),))
            if b.shape(each) != (1, 1, 1, channels):
                each = b.moved(each, (Step("reshape", (1, 1, 1, channels)),))
            low, high = b.bounds[value]
            value = b.op("ADD", b.either_way(value, each), b.shape(value), "INT32", (low - 50, high + 50))
        else:
            value = read(b, value, ELEMENTWISE)


@on("INT8", "INT16", kind=SCALED_SUMS)
def _scaled_sum(b: Builder, value: int) -> None:
    """Sum or difference of values scaled by powers of two, most of them by the same, and its RESCALE."""
    power = b.draw(st.integers(1, 8))
    first, second = (_scaled_up(b, v, power + (b.draw(st.integers(-1, 2)) if b.chance(3) else 0)) for v in (value,) * 2)
    reach = sum(max(map(abs, b.bounds[v])) for v in (first, second))
    total = b.op(b.draw(st.sampled_from(["ADD", "SUB"])), (first, second), b.shape(value), "INT32", (-reach, reach))
    rescaled(b, total, b.draw(st.sampled_from(INTEGERS)), per_channel=b.chance(6))
    if b.chance(4):
        read(b, b.draw(st.sampled_from([first, total])))


def _scaled_up(b: Builder, value: int, power: int) -> int:
    dtype = b.type(value).dtype
    zero, zero_id = b.zero_point(dtype)
    bits = b.draw(st.sampled_from([30, 28]))
    parameters = b.parameter(1 << bits, "INT32"), b.parameter(bits - power, "INT8"), zero_id, b.parameter(0, "INT32")
    low, high = ((bound - zero) << max(power, 0) for bound in b.bounds[value])
    return b.op(
        "RESCALE", (value, *parameters), b.shape(value), "INT32", (low, high), scale32=True,
        rounding_mode="SINGLE_ROUND", per_channel=False, input_unsigned=False, output_unsigned=False,
    )  # fmt: skip


@on("INT8", kind=MAXIMA)
def _largest_channel(b: Builder, value: int) -> None:
    """REDUCE_MAX or REDUCE_MIN over the last axis, most often."""
    shape = b.draw(wide_shapes(b.draw(st.integers(1, 4))))
    value = b.input(TensorType(shape, "INT8")) if b.chance(2) or b.shape(value)[-1] == 1 else value
    shape = b.shape(value)
    axis = b.draw(st.integers(0, len(shape) - 1)) if b.chance(6) else len(shape) - 1
    op = b.draw(st.sampled_from(["REDUCE_MAX", "REDUCE_MAX", "REDUCE_MIN"]))
    result = (*shape[:axis], 1, *shape[axis + 1 :])
    read(b, b.op(op, (value,), result, "INT8", b.bounds[value], axis=axis, nan_mode="PROPAGATE"))


@on("INT8", kind=COLUMNS)
def _largest_column(b: Builder, value: int) -> None:
    """REDUCE_MAX of columns with one channel that RESHAPEs, and at times a TABLE, make channels."""
    *rows, columns = b.draw(wide_shapes(b.draw(st.integers(1, 3))))
    value = b.input(TensorType((*rows, columns, 1), "INT8"))
    if b.chance(2):  # what the NPU writes, it may write in bricks
        value = _looked_up(b, value)
    if b.chance(2):
        value = b.moved(value, (Step("reshape", (1, *rows, 1, columns)),))
    if b.chance(2):
        value = _looked_up(b, value)
    value = b.moved(value, (Step("reshape", (*rows, columns)),))
    read(b, b.op("REDUCE_MAX", (value,), (*rows, 1), "INT8", b.bounds[value], axis=len(rows), nan_mode="PROPAGATE"))


def _looked_up(b: Builder, value: int) -> int:
    return b.op("TABLE", (value, b.data((256,), "INT8", (-128, 127))), b.shape(value), "INT8")
