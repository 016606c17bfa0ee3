"""Functions of one int8 value, as ExecuTorch lowers activations, squares and the like."""

from collections.abc import Callable

from hypothesis import strategies as st

from velatune.testing.random.builder import ALL, SAFE, Builder, corners, steps
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read
from velatune.testing.random.operators import CARRIED, CONCATS, rescaled

FUNCTIONS: Kind = []
TABLES: Kind = []
JOINED_FUNCTIONS: Kind = []
FUNCTIONS_OF_JOINED: Kind = []

_BINARY: dict[str, Callable[[int, int], int]] = {
    "ADD": int.__add__, "MAXIMUM": max, "MINIMUM": min, "MUL": int.__mul__, "SUB": int.__sub__,
}  # fmt: skip


@on("INT8", kind=FUNCTIONS)
def _function_of_one(b: Builder, value: int) -> None:
    """RESCALE to INT32, arithmetic with single numbers or with the same value by another way, RESCALE to INT8. Values
    on the way are moved, and read by others, too."""
    wide = _widened(b, value)
    source = value
    for _ in range(b.draw(st.integers(1, 3))):
        moved = b.chance(4)
        if moved:
            step = b.draw(steps(b.shape(wide)))
            wide, source = b.moved(wide, (step,)), b.moved(source, (step,))
        other = _widened(b, source) if b.draw(st.booleans()) else b.operand(b.shape(wide), "INT32", (-90, 90), "single")
        wide = _combined(b, *b.either_way(wide, other), wide)
    if b.chance(4):
        read(b, wide)
    result = rescaled(b, wide, "INT8", per_channel=False)
    if b.chance(3):
        read(b, result)
        rescaled(b, result, "INT8", per_channel=False)


@on("INT8", kind=TABLES)
def _table_or_clamp(b: Builder, value: int) -> None:
    """On a value that others often read, too, or that is moved."""
    if b.chance(3):
        value = b.moved(value, (b.draw(steps(b.shape(value))),))
    read(b, value, CARRIED)
    if b.chance(2):
        read(b, value)


@on(*ALL, kind=FUNCTIONS_OF_JOINED)
def _function_of_joined(b: Builder, value: int) -> None:
    """Of a CONCAT, often with a constant, or of SLICEs."""
    value = value if b.type(value).dtype == "INT8" else b.wide_input(("INT8",))
    if b.draw(st.booleans()):
        read(b, read(b, value, CONCATS), CARRIED)
        return
    parts = [_part(b, value) for _ in range(b.draw(st.integers(1, 2)))]
    before = len(b.nodes)
    function = read(b, parts[0], CARRIED)
    if function >= before:
        for part in parts[1:]:
            _alike(b, function, part)


@on(*ALL, kind=JOINED_FUNCTIONS)
def _joined_functions(b: Builder, value: int) -> None:
    """A CONCAT or a SLICE of what the same function gives."""
    value = value if b.type(value).dtype == "INT8" else b.wide_input(("INT8",))
    if b.draw(st.booleans()):
        _part(b, read(b, value, CARRIED))
        return
    before = len(b.nodes)
    function = read(b, value, CARRIED)
    if function < before:
        return
    values = [v for v in b.values if b.type(v) == b.type(value)]
    parts = [function, *(_alike(b, function, b.draw(st.sampled_from(values))) for _ in range(2))]
    axis = b.draw(st.integers(0, len(b.shape(value)) - 1))
    shape = b.shape(value)
    result = (*shape[:axis], 3 * shape[axis], *shape[axis + 1 :])
    b.op("CONCAT", tuple(parts), result, "INT8", axis=axis)
    if b.chance(4):
        read(b, parts[1])


def _part(b: Builder, value: int) -> int:
    start = tuple(b.draw(st.integers(0, size - 1)) for size in b.shape(value))
    size = tuple(b.draw(st.integers(1, most - first)) for first, most in zip(start, b.shape(value), strict=True))
    return b.op("SLICE", (value,), size, "INT8", b.bounds[value], start=start, size=size)


def _alike(b: Builder, function: int, value: int) -> int:
    """The same function of another value, often with another constant of the same content."""
    node = b.nodes[function]
    parameters = []
    for one in node.inputs[1:]:
        again = b.draw(st.booleans())
        parameters.append(b.parameter(b.nodes[one].array, "INT8", b.shape(one)) if again else one)
    return b.op(node.op, (value, *parameters), b.shape(value), "INT8", b.bounds[function], **node.attributes)


def _widened(b: Builder, value: int) -> int:
    return rescaled(b, value, "INT32", by_one=b.chance(2), per_channel=False)


def _combined(b: Builder, first: int, second: int, value: int) -> int:
    """Both combined, or the value where that could be too large."""
    op = b.draw(st.sampled_from(sorted(_BINARY)))
    bounds = corners(_BINARY[op], b.bounds[first], b.bounds[second])
    if max(map(abs, bounds)) > SAFE:
        return value
    more = (b.parameter(0, "INT8"),) if op == "MUL" else ()
    attributes = {"nan_mode": "PROPAGATE"} if op in ("MAXIMUM", "MINIMUM") else {}
    return b.op(op, (first, second, *more), b.shape(value), "INT32", bounds, **attributes)
