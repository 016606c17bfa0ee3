"""What attention is made of: projections whose channels are sliced apart, and products of heads."""

from hypothesis import strategies as st

from search_space.ir.graph import Step, TensorType
from velatune.testing.random.builder import ALL, Builder, regroupings
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.layers import convolved, multiplied, transpose_convolved
from velatune.testing.random.movements import read
from velatune.testing.random.operators import rescaled

PROJECTIONS: Kind = []
GROUPS: Kind = []
HEADS: Kind = []
PRODUCTS: Kind = []
CONSTANT_PRODUCTS: Kind = []
SLICED_PRODUCTS: Kind = []
BRANCHES: Kind = []


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


@on(*ALL, kind=GROUPS)
def _groups_first(b: Builder, value: int) -> None:
    """Convolution, RESCALE, perhaps a table, and the channels moved so that groups of them follow each other."""
    n, h, w = b.draw(st.sampled_from([(1, 1, 2), (1, 2, 3), (3, 1, 1), (2, 2, 2)]))
    source = b.input(TensorType((n, h, w, b.draw(st.integers(1, 3))), "INT8"))
    groups, each = b.draw(st.sampled_from([(2, 1), (2, 3), (3, 2), (2, 4)]))
    result = convolved(b, source, (1, 1), groups * each)
    assert result is not None
    value = rescaled(b, result, "INT8")
    if b.chance(3):
        value = b.op("TABLE", (value, b.data((256,), "INT8", (-128, 127))), b.shape(value), "INT8")
    pixels = (*b.shape(value)[:-1], groups, each)
    value = b.moved(value, (Step("reshape", pixels), Step("transpose", (3, 0, 1, 2, 4))))
    if b.chance(3):
        read(b, value)


@on("INT8", kind=HEADS)
def _product_of_heads(b: Builder, value: int) -> None:
    """MATMUL of values whose heads are moved apart, mostly its RESCALE, and the heads moved together again."""
    heads, rows, inner, columns = (b.draw(st.integers(*bounds)) for bounds in ((2, 3), (1, 4), (1, 3), (1, 4)))
    first = _heads(b, rows, heads, inner)
    second = _heads(b, columns, heads, inner)
    turned = b.moved(second, (Step("transpose", (0, 2, 1)),))
    product = multiplied(b, first, turned)
    if product is None:
        return
    result = product if b.chance(6) else rescaled(b, product, "INT8")
    if b.chance(4):
        read(b, result)
    else:
        shape = (rows, 1, heads * columns) if b.draw(st.booleans()) else (1, heads, rows, columns)
        b.moved(result, (Step("transpose", (1, 0, 2) if shape[0] == rows else (0, 1, 2)), Step("reshape", shape)))


def _heads(b: Builder, tokens: int, heads: int, each: int) -> int:
    """INT8 [heads, tokens, each], mostly out of [tokens, heads * each]."""
    if b.chance(4):
        return b.input(TensorType((heads, tokens, each), "INT8"))
    value = b.input(TensorType((1, tokens, heads * each), "INT8"))
    return b.moved(value, (Step("reshape", (tokens, heads, each)), Step("transpose", (1, 0, 2))))


@on("INT8", kind=PRODUCTS)
def _product_by_heads(b: Builder, value: int) -> None:
    """MATMUL, mostly of heads that are moved apart, and mostly its RESCALE."""
    heads, rows, inner, columns = (b.draw(st.integers(1, most)) for most in (3, 4, 3, 4))
    first = _heads(b, rows, heads, inner)
    second = b.moved(_heads(b, columns, heads, inner), (Step("transpose", (0, 2, 1)),))
    product = multiplied(b, first, second)
    if product is not None and not b.chance(4):
        rescaled(b, product, "INT8")


@on(*ALL, kind=SLICED_PRODUCTS)
def _product_of_slices(b: Builder, value: int) -> None:
    """MATMUL of slices of one value, as of queries and keys, mostly its RESCALE."""
    heads, rows, inner = b.draw(st.integers(1, 3)), b.draw(st.integers(1, 4)), b.draw(st.integers(1, 3))
    both = b.input(TensorType((2, heads, rows, inner), "INT8"))

    def part(at: int) -> int:
        size = (1, heads, rows, inner)
        sliced = b.op("SLICE", (both,), size, "INT8", b.bounds[both], start=(at, 0, 0, 0), size=size)
        return b.moved(sliced, (Step("reshape", (heads, rows, inner)),))

    turned = b.moved(part(1), (Step("transpose", (0, 2, 1)),))
    product = multiplied(b, part(0), turned)
    if product is not None and not b.chance(4):
        rescaled(b, product, "INT8")


@on("INT8", kind=CONSTANT_PRODUCTS)
def _product_with_a_constant(b: Builder, value: int) -> None:
    """MATMUL of which one operand is a constant, mostly with its RESCALE."""
    rows, inner, columns = (b.draw(st.integers(1, 4)) for _ in range(3))
    shapes = (1, rows, inner), (1, inner, columns)
    fixed = b.draw(st.integers(0, 1))
    operands = [
        b.data(shape, "INT8", (-128, 127)) if at == fixed else b.input(TensorType(shape, "INT8"))
        for at, shape in enumerate(shapes)
    ]
    product = multiplied(b, *operands)
    if product is not None and not b.chance(4):
        rescaled(b, product, "INT8")


@on(*ALL, kind=BRANCHES)
def _joined_branches(b: Builder, value: int) -> None:
    """Convolutions of one value and their RESCALEs, joined along the channels, some with another between them."""
    n, h, w = (b.draw(st.integers(1, 2)) for _ in range(3))  # no stride changes these
    source = b.input(TensorType((n, h, w, b.draw(st.integers(1, 3))), "INT8"))
    result = convolved(b, source, (1, 1), b.draw(st.integers(1, 4)))
    assert result is not None
    branches = [rescaled(b, result, "INT8")]
    for _ in range(b.draw(st.integers(1, 2))):
        if b.chance(4):
            other = convolved(b, source, (1, 1), 2)
            assert other is not None
            branches.append(rescaled(b, other, "INT8"))
        else:
            branches.append(_like(b, branches[0], b.draw(st.integers(1, 4))))
    if b.chance(4):
        branches.insert(b.draw(st.integers(0, 2)), source)
    shape = (n, h, w, sum(b.shape(one)[3] for one in branches))
    b.op("CONCAT", tuple(branches), shape, "INT8", axis=3)


def _like(b: Builder, branch: int, channels: int) -> int:
    """Another convolution and RESCALE of the same value with the same zero points."""
    rescale = b.nodes[branch]
    layer = b.nodes[rescale.inputs[0]]
    source, weights, _, *rest = layer.inputs
    values = b.data((channels, *b.shape(weights)[1:]), "INT8", (-127, 127))
    biases = b.parameter(b.random.integers(-1000, 1001, channels), "INT32", (channels,))
    result = b.op(
        layer.op, (source, values, biases, *rest), (*layer.type.shape[:3], channels), layer.type.dtype,
        b.bounds[rescale.inputs[0]], **layer.attributes,
    )  # fmt: skip
    tables = [b.nodes[i].array.ravel()[:1] for i in rescale.inputs[1:3]]
    each = [b.parameter(t, b.type(i).dtype, (1,)) for t, i in zip(tables, rescale.inputs[1:3], strict=True)]
    attributes = {**rescale.attributes, "per_channel": False}
    return b.op("RESCALE", (result, *each, *rescale.inputs[3:]), b.shape(result), "INT8", None, **attributes)
