"""Concatenations of what Vela copies into them, concatenations of concatenations, and convolutions of some channels."""

from hypothesis import strategies as st

from search_space.ir.graph import Step, TensorType
from velatune.testing.random.builder import ALL, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import convolved
from velatune.testing.random.operators import rescaled

COPIES: Kind = []
NESTED: Kind = []
SLICED: Kind = []
SLICES_OF_SLICES: Kind = []
TWO_SHAPES: Kind = []


def _joined(b: Builder, parts: tuple[int, ...], axis: int) -> int:
    shape = list(b.shape(parts[0]))
    shape[axis] = sum(b.shape(one)[axis] for one in parts)
    bounds = min(b.bounds[one][0] for one in parts), max(b.bounds[one][1] for one in parts)
    return b.op("CONCAT", parts, tuple(shape), b.type(parts[0]).dtype, bounds, axis=axis)


@on(*ALL, kind=COPIES)
def _copies(b: Builder, value: int) -> None:
    """Inputs, and a value that is read elsewhere, too."""
    shape = tuple(b.draw(st.integers(1, 3)) for _ in range(4))
    parts = [b.input(TensorType(shape, "INT8")) for _ in range(b.draw(st.integers(1, 2)))]
    if b.draw(st.booleans()):
        parts.append(parts[0])
    _joined(b, tuple(parts), b.draw(st.integers(1, 3)))


@on(*ALL, kind=NESTED)
def _nested(b: Builder, value: int) -> None:
    """Along one axis, or along two: then the outer one takes only what is as large."""
    rank = len(b.shape(value))
    if not rank or b.type(value).elements > 60:
        return
    axis = b.draw(st.integers(0, rank - 1))
    inner = _joined(b, (value, value), axis)
    if b.chance(4):
        _joined(b, (inner, inner), b.draw(st.integers(0, rank - 1)))
    else:
        _joined(b, b.either_way(value, inner), axis)


@on(*ALL, kind=SLICED)
def _convolution_of_some_channels(b: Builder, value: int) -> None:
    n, h, w, c = (b.draw(st.integers(1, most)) for most in (2, 4, 4, 5))
    value = b.input(TensorType((n, h, w, c + 2), "INT8"))
    start = (0, 0, 0, b.draw(st.integers(0, 2)))
    part = b.op("SLICE", (value,), (n, h, w, c), "INT8", b.bounds[value], start=start, size=(n, h, w, c))
    sums = convolved(b, part, b.draw(st.sampled_from([(1, 1), (3, 3)])), b.draw(st.integers(1, 3)))
    if sums is not None:
        rescaled(b, sums, "INT8")


@on(*ALL, kind=SLICES_OF_SLICES)
def _slice_of_a_slice(b: Builder, value: int) -> None:
    for _ in range(2):
        start = tuple(b.draw(st.integers(0, full - 1)) if b.chance(3) else 0 for full in b.shape(value))
        size = tuple(full - at for full, at in zip(b.shape(value), start, strict=True))
        value = b.op("SLICE", (value,), size, b.type(value).dtype, b.bounds[value], start=start, size=size)


@on("INT8", kind=TWO_SHAPES)
def _read_in_two_shapes(b: Builder, value: int) -> None:
    """A minimum whose operand or result, or both, a RESHAPE reads."""
    shape = b.shape(value)
    if not shape:
        return
    axis = b.draw(st.integers(0, len(shape) - 1))
    least_shape = (*shape[:axis], 1, *shape[axis + 1 :])
    least = b.op("REDUCE_MIN", (value,), least_shape, "INT8", b.bounds[value], axis=axis, nan_mode="PROPAGATE")
    for one in (value, least):
        if b.chance(2):
            b.moved(one, (Step("reshape", (b.type(one).elements,)),))
