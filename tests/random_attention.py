"""What attention is made of: projections whose channels are sliced apart, and products of heads."""

from hypothesis import strategies as st
from random_builder import ALL, Builder, regroupings
from random_kinds import Kind, on
from random_layers import convolved, transpose_convolved
from random_movements import read
from random_operators import rescaled

from search_space.graph import Step, TensorType

PROJECTIONS: Kind = []


@on(*ALL, kind=PROJECTIONS)
def _sliced_projection(b: Builder, value: int) -> None:
    """Convolution, RESCALE, perhaps a table, perhaps a movement, and slices of the channels."""
    n, h, w = b.draw(st.sampled_from([(1, 1, 1), (1, 2, 3), (3, 1, 1), (2, 2, 2)]))
    source = b.input(TensorType((n, h, w, b.draw(st.integers(1, 3))), b.draw(st.sampled_from(["INT8", "INT16"]))))
    count, each = b.draw(st.sampled_from([(2, 1), (2, 3), (3, 2), (2, 4)]))
    convolve = transpose_convolved if b.chance(4) else convolved
    result = convolve(b, source, (1, 1), count * each)
    assert result is not None
    value = result if b.type(result).dtype == "INT32" and b.chance(4) else rescaled(b, result, "INT8")
    if b.type(value).dtype == "INT8" and b.chance(3):
        value = b.op("TABLE", (value, b.data((256,), "INT8", (-128, 127))), b.shape(value), "INT8")
    if b.chance(3):
        value = b.moved(value, (Step("transpose", (0, 3, 1, 2)),))
        axis = 1
    elif b.draw(st.booleans()):
        pixels = b.draw(regroupings(b.shape(value)[:-1], 2))
        value = b.moved(value, (Step("reshape", (*pixels, count, each)),))
        axis, each = len(pixels), 1
    else:
        axis = len(b.shape(value)) - 1
    for at in range(count):
        start, size = [0] * len(b.shape(value)), list(b.shape(value))
        start[axis], size[axis] = at * each, each
        part = b.op(
            "SLICE", (value,), tuple(size), b.type(value).dtype, b.bounds[value], start=tuple(start), size=tuple(size)
        )
        if b.chance(3):
            read(b, part)
