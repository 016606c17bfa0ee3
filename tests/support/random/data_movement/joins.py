"""CONCAT of moved values, slices of merged dimensions, and operators before or behind which less has to be moved."""

from collections.abc import Callable
from math import prod

from hypothesis import strategies as st

from search_space.ir.graph import Step, TensorType
from search_space.ir.layout_map import LayoutMap
from search_space.layout.emission import plan
from velatune.testing.random.builder import ALL, INTEGERS, LARGEST, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import maps, read, wide, written
from velatune.testing.random.operators import rescaled

CONCATS_OF_MOVED: Kind = []
MOVED_CONCATS: Kind = []
SLICES_OF_MERGED: Kind = []
SETTLING: Kind = []


@on(*ALL, kind=CONCATS_OF_MOVED)
def _concat_of_moved(b: Builder, value: int) -> None:
    """Most of the operands moved alike; others are moved in another way, constants, or not moved at all."""
    source = wide(b, value)
    steps = b.draw(maps(b.shape(source)))
    value = b.moved(source, steps)
    tensor, layout = b.type(value), b.nodes[value].layout_map
    dims = range(len(tensor.shape))
    apart = [d for d in dims if layout.resized({d: tensor.shape[d]}) is not None]
    axis = b.draw(st.sampled_from(dims if not apart or b.chance(4) else apart))

    def alike() -> int:
        twins = [v for v in b.values if b.type(v) == b.type(source)]
        other = b.draw(st.sampled_from(twins)) if b.draw(st.booleans()) else b.input(b.type(source))
        return b.moved(other, steps)

    def longer() -> int:
        resized = layout.resized({axis: tensor.shape[axis] + 1})
        if resized is None or not plan(resized.layout):
            return alike()
        return b.moved(b.input(TensorType(resized.layout.in_shape, tensor.dtype)), plan(resized.layout))

    def otherwise() -> int:
        perms = b.draw(st.permutations(range(len(tensor.shape))))
        back = LayoutMap.transpose(tensor.shape, tuple(perms))
        other = b.input(TensorType(back.out_shape, tensor.dtype))
        return b.moved(other, plan(back.inverse) or written(tensor.shape, tensor.shape, tuple(perms), tensor.shape))

    operands = [value]
    mostly: list[Callable[[], int]] = [
        alike, longer, lambda: value, lambda: b.data(tensor.shape, tensor.dtype, b.bounds[value])
    ]  # fmt: skip
    ways = mostly if b.draw(st.booleans()) else [*mostly, otherwise, lambda: b.input(tensor)]
    for way in b.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=3)):
        operands.append(way())
        if b.chance(6):
            read(b, operands[-1])
    result = _joined(b, b.draw(st.permutations(operands)), axis)
    if result is not None and b.draw(st.booleans()):
        b.moved(result, b.draw(maps(b.shape(result))))


@on(*ALL, kind=MOVED_CONCATS)
def _moved_concat(b: Builder, value: int) -> None:
    value = wide(b, value)
    tensor = b.type(value)
    axis = b.draw(st.integers(0, len(tensor.shape) - 1))
    operands = [value]
    for way in b.draw(st.lists(st.sampled_from(["value", "constant", "moved", "input"]), max_size=2)):
        if way == "value":
            operands.append(b.draw(st.sampled_from([v for v in b.values if b.type(v) == tensor])))
        elif way == "constant":
            operands.append(b.data(tensor.shape, tensor.dtype, b.bounds[value]))
        elif way == "moved":
            perms = tuple(b.draw(st.permutations(range(len(tensor.shape)))))
            back = LayoutMap.transpose(tensor.shape, perms).inverse
            source = b.input(TensorType(tuple(tensor.shape[p] for p in perms), tensor.dtype))
            operands.append(b.moved(source, plan(back)) if plan(back) else source)
        else:
            operands.append(b.input(tensor))
    result = _joined(b, b.draw(st.permutations(operands)), axis)
    if result is not None:
        b.moved(result, b.draw(maps(b.shape(result))))


def _joined(b: Builder, operands: list[int], axis: int) -> int | None:
    """CONCAT of values that differ along the axis alone; None if it would be too large."""
    tensor = b.type(operands[0])
    shape = (*tensor.shape[:axis], sum(b.shape(v)[axis] for v in operands), *tensor.shape[axis + 1 :])
    if prod(shape) > LARGEST:
        return None
    bounds = min(b.bounds[v][0] for v in operands), max(b.bounds[v][1] for v in operands)
    return b.op("CONCAT", tuple(operands), shape, tensor.dtype, bounds, axis=axis)


@on(*ALL, kind=SLICES_OF_MERGED)
def _slice_of_merged(b: Builder, value: int) -> None:
    """A slice of [A*B] at multiples of B, or near them, where a map merged A and B."""
    sizes = tuple(b.draw(st.lists(st.integers(2, 3), min_size=3, max_size=4)))
    value = b.input(TensorType(sizes, b.draw(st.sampled_from(ALL))))
    perms = tuple(b.draw(st.permutations(range(len(sizes)))))
    moved = [sizes[p] for p in perms]
    at = b.draw(st.integers(0, len(moved) - 2))
    outer, inner = moved[at], moved[at + 1]
    merged = (*moved[:at], outer * inner, *moved[at + 2 :])
    value = b.moved(value, written(sizes, sizes, perms, merged))
    first = b.draw(st.integers(0, outer - 1))
    start = first * inner + b.chance(6)
    stop = b.draw(st.integers(first + 1, outer)) * inner
    size = (*merged[:at], stop - start, *merged[at + 1 :])
    where = tuple(start if d == at else 0 for d in range(len(merged)))
    b.op("SLICE", (value,), size, b.type(value).dtype, b.bounds[value], start=where, size=size)
    if b.chance(3):
        read(b, b.values[-1])


@on(*INTEGERS, kind=SETTLING)
def _before_less(b: Builder, value: int) -> None:
    """A map in front of an operator that leaves less to be moved."""
    value = _moved(b, b.wide_input(INTEGERS, b.draw(st.integers(3, 4))))
    tensor = b.type(value)
    if tensor.dtype == "INT32" and b.draw(st.booleans()):
        rescaled(b, value, "INT8")
    else:
        axis = _long_axis(b, value)
        result = (*tensor.shape[:axis], 1, *tensor.shape[axis + 1 :])
        b.op("REDUCE_MAX", (value,), result, tensor.dtype, b.bounds[value], axis=axis, nan_mode="PROPAGATE")


@on(*INTEGERS, kind=SETTLING)
def _behind_more(b: Builder, value: int) -> None:
    """A map behind an operator that leaves more to be moved."""
    value = b.wide_input(INTEGERS, b.draw(st.integers(3, 4)))
    tensor = b.type(value)
    if tensor.dtype != "INT32" and b.draw(st.booleans()):
        value = rescaled(b, value, "INT32")
    else:
        axis = _long_axis(b, value)
        multiples = tuple(2 if d == axis else 1 for d in range(len(tensor.shape)))
        result = tuple(size * times for size, times in zip(tensor.shape, multiples, strict=True))
        value = b.op("TILE", (value,), result, tensor.dtype, b.bounds[value], multiples=multiples)
    _moved(b, value)


@on(*INTEGERS, kind=SETTLING)
def _two_moved_alike(b: Builder, value: int) -> None:
    """Two operands with the same map: one map on the result is less."""
    value = b.wide_input(INTEGERS, b.draw(st.integers(3, 4)))
    first = _moved(b, value)
    second = b.moved(b.input(b.type(value)), b.nodes[first].steps)
    b.op("BITWISE_XOR", (first, second), b.shape(first), b.type(first).dtype)


def _moved(b: Builder, value: int) -> int:
    """By a map that mostly is a TRANSPOSE."""
    dims = range(len(b.shape(value)))
    perms = b.draw(st.permutations(dims).filter(lambda one: one != [*dims]))
    steps = b.draw(maps(b.shape(value))) if b.chance(4) else (Step("transpose", tuple(perms)),)
    return b.moved(value, steps)


def _long_axis(b: Builder, value: int) -> int:
    return b.draw(st.sampled_from([d for d, size in enumerate(b.shape(value)) if size > 1] or [0]))
