"""Movements, by themselves and around operators that they may pass."""

from functools import partial
from math import prod

from hypothesis import strategies as st

from search_space.ir.dtypes import IMMOVABLE
from search_space.ir.graph import Step
from search_space.ir.layout_map import Shape
from search_space.layout.emission import merged, plan
from velatune.testing.random.builder import ALL, Builder, primes, steps
from velatune.testing.random.kinds import Kind, Operator, on
from velatune.testing.random.layers import WINDOWS
from velatune.testing.random.operators import ELEMENTWISE, REDUCTIONS, RESCALES, SLICES

MOVEMENTS: Kind = []
CHAINS: Kind = []
DETOURS: Kind = []
WIDE_TRANSPOSES: Kind = []
MOVED_CONSTANTS: Kind = []
UNIT_MOVEMENTS: Kind = []

_MOST_DIMENSIONS = 6  # that TOSA has


@st.composite
def maps(draw: st.DrawFn, shape: Shape) -> tuple[Step, ...]:
    """The steps of one layout map.

    It is one step of any kind. Or it is a TRANSPOSE whose dimensions may be split before or merged after.

    Args:
        draw: Hypothesis's draw function.
        shape: shape of its input.

    Returns:
        The strategy.
    """
    kind = draw(st.sampled_from(["step", "transpose", "transpose", "cut", "merged", "both"]))
    if kind == "step":
        return (draw(steps(shape)),)
    pieces: list[int] = []
    for at, size in enumerate(shape):
        rest = len(shape) - at
        factors = primes(size)
        if kind in ("cut", "both") and len(factors) > 1 and len(pieces) + rest < _MOST_DIMENSIONS:
            pieces += [factors[0], size // factors[0]]
        else:
            pieces.append(size)
    perms = tuple(draw(st.permutations(range(len(pieces)))))
    return written(
        shape, tuple(pieces), perms, _regrouped(draw, [pieces[p] for p in perms], kind in ("merged", "both"))
    )


def _regrouped(draw: st.DrawFn, sizes: list[int], merge: bool) -> Shape:
    """Neighbours merged, such that the shape has no more than five dimensions."""
    result = sizes
    while len(result) > 1 and (len(result) > 5 or merge):
        at = draw(st.integers(0, len(result) - 2))
        result = [*result[:at], result[at] * result[at + 1], *result[at + 2 :]]
        merge = draw(st.booleans())
    return tuple(result)


def written(shape: Shape, pieces: Shape, perms: tuple[int, ...], result: Shape) -> tuple[Step, ...]:
    """The steps of a TRANSPOSE between reshapes, without reshapes that change nothing.

    Args:
        shape: shape of the input.
        pieces: shape that is transposed.
        perms: the permutation.
        result: shape of the result.

    Returns:
        The steps.
    """
    found = [Step("reshape", pieces)] if pieces != shape else []
    found.append(Step("transpose", perms))
    if result != tuple(pieces[p] for p in perms):
        found.append(Step("reshape", result))
    return tuple(found)


@st.composite
def window_maps(draw: st.DrawFn, shape: Shape) -> tuple[Step, ...]:
    """Maps from [N,H,W,C] to another [N,H,W,C]: height and width swapped or kept, batch and channels split and mixed.

    Args:
        draw: Hypothesis's draw function.
        shape: shape of the input.

    Returns:
        The strategy.
    """
    n, h, w, c = shape
    batches = _cut(draw, n)
    outer = [*batches, *_cut(draw, c)]
    before = len(batches)
    order = draw(st.one_of(st.just(list(range(len(outer)))), st.permutations(range(len(outer)))))
    batch = draw(st.integers(0, len(outer)))
    pieces = (*outer[:before], h, w, *outer[before:])
    place = [*range(before), *range(before + 2, len(pieces))]
    spatial = draw(st.sampled_from([(before, before + 1), (before + 1, before)]))
    perms = (*(place[o] for o in order[:batch]), *spatial, *(place[o] for o in order[batch:]))
    result = (
        prod(outer[o] for o in order[:batch]), *(pieces[s] for s in spatial), prod(outer[o] for o in order[batch:]),
    )  # fmt: skip
    return written(shape, pieces, perms, result)


def _cut(draw: st.DrawFn, size: int) -> list[int]:
    factors = primes(size)
    if len(factors) > 1 and draw(st.booleans()):
        return [factors[0], size // factors[0]]
    return [size]


@on(*ALL, kind=MOVEMENTS)
def _move(b: Builder, value: int) -> None:
    step = b.draw(steps(b.shape(value)))
    layout = step.map_from(b.shape(value))
    ways = {"one": (step,), "planned": plan(layout), "merged": merged(layout)}
    b.moved(value, ways[b.draw(st.sampled_from(["one", "one", "planned", "merged"]))] or (step,))


@on(*ALL, kind=MOVEMENTS)
def _movements(b: Builder, value: int) -> None:
    """A few in a row, often such that they cancel."""
    done = []
    for _ in range(b.draw(st.integers(1, 3))):
        value = b.moved(value, (b.draw(steps(b.shape(value))),))
        done.append(b.nodes[value].layout_map)
    if b.draw(st.booleans()):
        for layout in reversed(done):
            value = b.moved(value, plan(layout.inverse) or (Step("reshape", layout.in_shape),))


@on(*ALL, kind=CHAINS)
def _chain(b: Builder, value: int) -> None:
    """Two that amount to one, or to none."""
    value = wide(b, value)
    value = b.moved(value, b.draw(maps(b.shape(value))))
    if b.draw(st.booleans()):
        back = plan(b.nodes[value].layout_map.inverse)
        b.moved(value, back or b.draw(maps(b.shape(value))))
    else:
        b.moved(value, b.draw(maps(b.shape(value))))
    read(b, b.values[-1])


@on(*ALL, kind=DETOURS)
def _detour(b: Builder, value: int) -> None:
    """One map in two TRANSPOSEs, often between two operators."""
    value = wide(b, value, rank=b.draw(st.integers(3, 4)))
    value = value if b.chance(4) else read(b, value)
    dims = range(len(b.shape(value)))
    perms = [b.draw(st.permutations(dims).filter(lambda one: one != [*dims])) for _ in range(2)]
    value = b.moved(value, tuple(Step("transpose", tuple(one)) for one in perms))
    if not b.chance(4):
        read(b, value)


@on(*ALL, kind=WIDE_TRANSPOSES)
def _wide_transpose(b: Builder, value: int) -> None:
    """A TRANSPOSE that keeps neighbours together."""
    value = b.wide_input(ALL, b.draw(st.integers(3, 4)))
    dims = range(len(b.shape(value)))
    at = b.draw(st.integers(1, len(dims) - 1))
    b.moved(value, (Step("transpose", (*dims[at:], *dims[:at])),))


@on(*ALL, kind=UNIT_MOVEMENTS)
def _unit_transpose(b: Builder, value: int) -> None:
    """A TRANSPOSE that moves dimensions of size 1 alone, maybe beside one that does not."""
    if len(b.shape(value)) < 5:
        value = b.moved(value, (Step("reshape", (*b.shape(value), 1)),))
    shape = b.shape(value)
    units = iter(b.draw(st.permutations([d for d, size in enumerate(shape) if size == 1])))
    others = iter([d for d, size in enumerate(shape) if size > 1])
    places = b.draw(st.permutations([size == 1 for size in shape]))
    b.moved(value, (Step("transpose", tuple(next(units) if unit else next(others) for unit in places)),))


@on(*ALL, kind=MOVED_CONSTANTS)
def _moved_constant(b: Builder, value: int) -> None:
    """A value of the program that depends on no input."""
    source = b.data(b.shape(value), b.type(value).dtype, b.bounds[value])
    for _ in range(b.draw(st.integers(1, 2))):
        source = b.moved(source, (b.draw(steps(b.shape(source))),))


def wide(b: Builder, value: int, dtypes: tuple[str, ...] = ALL, rank: int | None = None) -> int:
    """A value with several elements along most of its dimensions.

    Args:
        b: the program.
        value: id of a value that is taken if it is one.
        dtypes: element types that it may have.
        rank: number of dimensions; None for any.

    Returns:
        Its id; that of a new input where the value is none.
    """
    fits = b.type(value).dtype in dtypes and rank in (None, len(b.shape(value)))
    dims = sum(size > 1 for size in b.shape(value))
    return value if fits and dims > 1 and b.draw(st.booleans()) else b.wide_input(dtypes, rank)


def read(b: Builder, value: int, operators: Kind = ELEMENTWISE) -> int:
    """Add an operator on a value.

    Args:
        b: the program.
        value: id of the value.
        operators: the operators to draw from.

    Returns:
        The id of the result; the value's own if no operator fits.
    """
    fitting = [one for one in operators if one.takes(b, value)]
    before = len(b.values)
    if fitting:
        b.draw(st.sampled_from(fitting)).put(b, value)
    result = b.values[-1]
    return result if len(b.values) > before and b.type(result).dtype not in IMMOVABLE else value


def _passed(b: Builder, value: int, operators: Kind, up: bool, on_windows: bool = False) -> None:
    """A movement, operators that it may pass, and often the movement back; up: what is passed is the last movement."""
    dtypes = tuple(dict.fromkeys(dtype for one in operators for dtype in one.dtypes))
    value = wide(b, value, dtypes, 4 if on_windows else None)
    shaped = window_maps if on_windows else maps
    layout = None
    if not up or b.chance(3):
        b.flow = b.shape(value), b.draw(shaped(b.shape(value)))
        value = b.moved(value, b.flow[1])
        layout = b.nodes[value].layout_map
        if b.chance(6):
            read(b, value)
    for _ in range(1 if b.chance(2) else 2):
        value = read(b, value, operators)
    if layout is not None and b.shape(value) == layout.out_shape and b.draw(st.booleans()):
        b.moved(value, plan(layout.inverse) or (Step("reshape", layout.in_shape),))
    elif up or b.chance(4):
        b.moved(value, b.draw(shaped(b.shape(value))))


def _around(up: bool) -> dict[str, Kind]:
    kinds = {"elementwise": ELEMENTWISE, "reductions": REDUCTIONS, "rescales": RESCALES, "slices": SLICES}
    found = {name: [Operator(partial(_passed, operators=kind, up=up), ALL, None)] for name, kind in kinds.items()}
    return {**found, "windows": [Operator(partial(_passed, operators=WINDOWS, up=up, on_windows=True), ALL, None)]}


#: A movement before, and one after, operators of these kinds.
BEFORE, AFTER = _around(up=False), _around(up=True)
