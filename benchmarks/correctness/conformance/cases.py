"""Some fifty of the smallest programs, each about one thing that the NPU does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from velatune.testing.program import Program
from workers.checking.check_inputs import CheckInput, check_inputs

U55, U65, U85 = "ethos-u55", "ethos-u65", "ethos-u85"

Make = Callable[[Program], int]

_SHAPE = (1, 5, 4, 17)
_COLUMN = (1, 5, 1, 17)
_IMAGE = (1, 8, 6, 16)

#: Multipliers of a RESCALE, divided by a power of two.
_HALF, _SCALE, _LARGER = 1 << 30, 1288490189, 1932735283

_SEED = 0


@dataclass(frozen=True)
class Case:
    """A program and what its outputs show.

    Attributes:
        name: of its folder.
        shows: what agrees if it agrees, in a few words.
        graph: the program.
        families: that Vela compiles it for.
        question: what is not known of the hardware; empty if Vela's sources settle it.
        otherwise: a program that gives the other answer to the question.
        indices: number of an input that holds indices -> how many there are to choose.
    """

    name: str
    shows: str
    graph: Graph
    families: tuple[str, ...] = (U55, U65, U85)
    question: str = ""
    otherwise: Graph | None = None
    indices: Mapping[int, int] = field(default_factory=dict)

    @property
    def inputs(self) -> list[CheckInput]:
        """Random ones, and the ends of the types."""
        sets = check_inputs(self.graph, (), _SEED)
        for number, count in self.indices.items():
            for one in sets:
                np.remainder(one.arrays[number], count, out=one.arrays[number])
        return sets


def cases(family: str) -> list[Case]:
    """Those for `ethos-u55`, `ethos-u65` or `ethos-u85`."""
    made = chain(_convolutions(), _pools(), _elementwise(), _moves(), _only_u85(), _questions())
    return [one for one in made if family in one.families]


def _graph(make: Make) -> Graph:
    p = Program()
    return p.graph(make(p))


def _convolutions() -> Iterator[Case]:
    made: list[tuple[str, str, Make]] = [
        ("conv-1x1", "weights of a 1x1 convolution", lambda p: p.conv(p.input(*_IMAGE), 24)),
        ("conv-3x3", "padding, and a kernel of nine elements", lambda p: p.conv(p.input(*_IMAGE), 24, (3, 3))),
        ("conv-strides", "strides of 2", lambda p: p.conv(p.input(*_IMAGE), 8, (3, 3), (2, 2))),
        ("conv-dilated", "dilation", lambda p: p.conv(p.input(*_IMAGE), 8, (3, 3), dilation=(2, 2))),
        ("conv-5x7", "a kernel larger than what is decoded at once", lambda p: p.conv(p.input(*_IMAGE), 8, (5, 7))),
        ("conv-few-channels", "channels that fill no brick", lambda p: p.conv(p.input(1, 8, 6, 3), 10, (3, 3))),
        ("conv-many-channels", "several blocks of channels", lambda p: p.conv(p.input(1, 3, 3, 140), 70, (2, 2))),
        ("conv-zero-points", "zero points, and a scale for each channel", lambda p: _convolution(p, (-9, 30))),
        ("conv-double-round", "the other rounding of scales", lambda p: _convolution(p, double=True)),
        ("conv-clamp", "clamping", lambda p: p.clamp(p.conv(p.input(*_IMAGE), 24), -20, 50)),
        ("conv-table", "a table behind a convolution", lambda p: p.table(p.conv(p.input(*_IMAGE), 24))),
        ("conv-int16", "16-bit activations, and sums of more than 32 bits", _wide_convolution),
        ("depthwise", "one filter for each channel", lambda p: p.conv(p.input(*_IMAGE), 16, (3, 3), depthwise=True)),
        ("depthwise-multiplied", "several filters for each channel", _multiplied),
        ("depthwise-strides", "strides of 2, one filter for each channel", _strided_depthwise),
        ("conv-chain", "one operation after another", lambda p: p.conv(p.conv(p.input(*_IMAGE), 24, (3, 3)), 8)),
        ("matmul", "a product of two inputs", lambda p: p.matmul(p.input(2, 6, 20), p.input(2, 20, 7))),
    ]
    yield from (Case(name, shows, _graph(make)) for name, shows, make in made)


def _convolution(p: Program, zero_points: tuple[int, int] = (0, 0), double: bool = False) -> int:
    """A 3x3 CONV2D with zero points and a scale for each channel."""
    x, channels = p.input(*_IMAGE), 20
    weights = p.data(p.random.integers(-127, 128, (channels, 3, 3, _IMAGE[3])), "INT8")
    operands = x, weights, p.bias(channels, False), p.data(zero_points[0], "INT8"), p.data(0, "INT8")
    sums = p.op(
        "CONV2D", operands, (*_IMAGE[:3], channels), "INT32", pad=(1, 1, 1, 1), stride=(1, 1), dilation=(1, 1),
        local_bound=False, acc_type="INT32",
    )  # fmt: skip
    multipliers = [int(one) for one in p.random.integers(1 << 30, (1 << 31) - 1, channels)]
    return p.rescale_by(sums, "INT8", multipliers, 43, zero_out=zero_points[1], double=double)


def _wide_convolution(p: Program) -> int:
    return p.conv(p.input(1, 5, 4, 12, dtype="INT16"), 12, (3, 3), dtype="INT16")


def _multiplied(p: Program) -> int:
    return p.conv(p.input(1, 8, 6, 5), 15, (3, 3), depthwise=True)


def _strided_depthwise(p: Program) -> int:
    return p.conv(p.input(*_IMAGE), 16, (3, 3), (2, 2), depthwise=True)


def _pools() -> Iterator[Case]:
    made: list[tuple[str, str, Make]] = [
        ("average-pool", "the divisor of an average", lambda p: _average(p, 3, 0)),
        ("average-pool-padded", "an average over fewer elements at the edge", lambda p: _average(p, 3, 1)),
        ("average-pool-zero-point", "zero points of an average", lambda p: _average(p, 2, 1, zero=-20)),
        ("average-pool-int16", "an average of 16-bit values", lambda p: _average(p, 2, 0, "INT16")),
        ("max-pool", "the maximum", lambda p: p.max_pool(p.input(*_IMAGE), 2)),
        ("max-pool-overlapping", "windows that overlap", lambda p: p.max_pool(p.input(*_IMAGE), 3, 1)),
        ("reduce-sum", "a sum over channels", lambda p: p.sum(p.input(*_SHAPE), 3)),
    ]
    yield from (Case(name, shows, _graph(make)) for name, shows, make in made)


def _average(p: Program, size: int, pad: int, dtype: str = "INT8", zero: int = 0) -> int:
    x = p.input(1, 7, 6, 10, dtype=dtype)
    shape = (1, 7 - size + 1 + 2 * pad, 6 - size + 1 + 2 * pad, 10)
    operands = x, p.data(zero, dtype), p.data(zero, dtype)
    return p.op(
        "AVG_POOL2D", operands, shape, kernel=(size, size), stride=(1, 1), pad=(pad,) * 4, acc_type="INT32"
    )  # fmt: skip


def _elementwise() -> Iterator[Case]:
    made: list[tuple[str, str, Make]] = [
        ("add-scaled-first", "the first operand scaled by 32 bits", lambda p: _sum(p, "ADD", _LARGER, _HALF)),
        ("add-scaled-second", "the second operand scaled by 32 bits", lambda p: _sum(p, "ADD", _HALF, _LARGER)),
        ("sub-scaled", "which operand is subtracted", lambda p: _sum(p, "SUB", _LARGER, _HALF)),
        ("add-int16", "a scaled sum of 16-bit values", lambda p: _sum(p, "ADD", _LARGER, _HALF, "INT16")),
        ("add-column", "a scaled operand that is repeated", lambda p: _sum(p, "ADD", _LARGER, _HALF, other=_COLUMN)),
        ("add-int32", "a sum that is not scaled", lambda p: _binary(p, "ADD")),
        ("sub-row", "an operand that is repeated along columns", lambda p: _binary(p, "SUB", (1, 1, 4, 17))),
        ("maximum", "the larger of two", lambda p: _binary(p, "MAXIMUM", nan_mode="PROPAGATE")),
        ("minimum-scalar", "all and one", lambda p: _binary(p, "MINIMUM", (1, 1, 1, 1), nan_mode="PROPAGATE")),
        ("mul", "a product that is scaled", lambda p: _product(p, False)),
        ("mul-double-round", "the other rounding of a product", lambda p: _product(p, True)),
        ("abs", "the magnitude", lambda p: p.op("ABS", (p.input(*_SHAPE, dtype="INT32"),), _SHAPE)),
        ("clz", "leading zeros", lambda p: p.op("CLZ", (p.input(*_SHAPE, dtype="INT32"),), _SHAPE)),
        ("shift-right-rounded", "a rounded shift", lambda p: _shifted(p, True)),
        ("table", "a table of 256 values", lambda p: p.table(p.input(*_SHAPE))),
        ("rescale", "a scale", lambda p: p.rescale_by(p.input(*_SHAPE), "INT8", _SCALE, 31, -20, 7)),
        ("rescale-double-round", "its other rounding", _doubly_rounded),
        ("rescale-to-int16", "a wider result", lambda p: p.rescale_by(p.input(*_SHAPE), "INT16", _LARGER, 24, -20)),
    ]
    yield from (Case(name, shows, _graph(make)) for name, shows, make in made)


def _sum(p: Program, op: str, first: int, second: int, dtype: str = "INT8", other: Shape = _SHAPE) -> int:
    """A sum of values with scales of their own, as quantised networks have it."""
    zeros = (-9, 100, 3) if dtype == "INT8" else (0, 0, 0)
    # Values are shifted left as far as a sum of two leaves room.
    shift = 32 - (19 if dtype == "INT8" else 14)
    operands = (
        p.rescale_by(p.input(*_SHAPE, dtype=dtype), "INT32", first, shift, zero_in=zeros[0]),
        p.rescale_by(p.input(*other, dtype=dtype), "INT32", second, shift, zero_in=zeros[1]),
    )
    total = p.op(op, operands, _SHAPE, "INT32")
    return p.rescale_by(total, dtype, _SCALE, 50 if dtype == "INT8" else 45, zero_out=zeros[2])


def _binary(p: Program, op: str, other: Shape = _SHAPE, **attributes: str) -> int:
    operands = p.input(*_SHAPE, dtype="INT32"), p.input(*other, dtype="INT32")
    return p.op(op, operands, _SHAPE, **attributes)


def _product(p: Program, double: bool) -> int:
    operands = p.input(*_SHAPE), p.input(*_COLUMN), p.data(0, "INT8")
    product = p.op("MUL", operands, _SHAPE, "INT32")
    return p.rescale_by(product, "INT8", _SCALE, 38, zero_out=5, double=double)


def _shifted(p: Program, rounds: bool) -> int:
    amounts = p.data(p.random.integers(0, 16, _SHAPE), "INT32")
    return p.op("ARITHMETIC_RIGHT_SHIFT", (p.input(*_SHAPE, dtype="INT32"), amounts), _SHAPE, round=rounds)


def _doubly_rounded(p: Program) -> int:
    return p.rescale_by(p.input(*_SHAPE), "INT8", _SCALE, 33, double=True)


def _moves() -> Iterator[Case]:
    made: list[tuple[str, str, Make]] = [
        ("transpose", "another order of dimensions", lambda p: p.transpose(p.input(*_IMAGE), 0, 3, 1, 2)),
        ("swap-height-and-width", "rows become columns", lambda p: p.transpose(p.input(1, 5, 9, 20), 0, 2, 1, 3)),
        ("concat", "results next to each other", lambda p: p.concat(3, p.conv(p.input(*_IMAGE), 8), p.input(*_IMAGE))),
        ("slice", "a part of a tensor", lambda p: p.slice(p.input(*_IMAGE), (0, 1, 2, 3), (1, 5, 3, 9))),
    ]
    yield from (Case(name, shows, _graph(make)) for name, shows, make in made)


def _questions() -> Iterator[Case]:
    """What Vela's sources and the reference model do not settle."""
    yield Case(
        "max-pool-scaled",
        "a maximum that is scaled",
        _graph(lambda p: p.rescale(_pooled(p), "INT8", 0.7)),
        question="Does a MAX pool apply its OFM scale? By the release notes of Vela 5.2.0, not on U55 and U65.",
        otherwise=_graph(_pooled),
    )
    yield Case(
        "cast-narrow",
        "a result that does not fit its type",
        _graph(_cast),
        question="Does it saturate, or keep the lowest bits? TOSA keeps them; Vela asks for no clipping, which U55 and "
        "U65 cannot leave out.",
        otherwise=_graph(lambda p: p.rescale_by(p.input(*_SHAPE, dtype="INT32"), "INT8", _HALF, 30)),
    )
    yield Case(
        "shift-right",
        "a shift that is not rounded",
        _graph(lambda p: _shifted(p, False)),
        question="Is it rounded down? On U55 and U65 Vela sets the rounding mode DBL for it.",
        otherwise=_graph(lambda p: _shifted(p, True)),
    )


def _pooled(p: Program) -> int:
    return p.max_pool(p.input(1, 4, 4, 8), 2)


def _cast(p: Program) -> int:
    return p.op("CAST", (p.input(*_SHAPE, dtype="INT32"),), _SHAPE, "INT8")


def _only_u85() -> Iterator[Case]:
    made: list[tuple[str, str, Make]] = [
        ("resize-nearest", "the nearest element", lambda p: p.resize(p.input(1, 4, 5, 8))),
        ("resize-bilinear", "interpolation", lambda p: p.resize(p.input(1, 4, 5, 8), "BILINEAR")),
        ("select", "one of two by a condition", _select),
        ("reverse", "rows backwards", lambda p: p.op("REVERSE", (p.input(*_IMAGE),), _IMAGE, axis=1)),
        ("greater", "a comparison", _greater),
        ("bitwise-xor", "bits", lambda p: _binary(p, "BITWISE_XOR")),
        ("conv-chained", "a result that goes on inside the NPU", _chained),
        ("argmax", "where the largest is", _argmax),
        ("reduce-max", "the largest of a row", _largest),
        ("table-int16", "a table between whose entries the NPU interpolates", _wide_table),
    ]
    yield from (Case(name, shows, _graph(make), (U85,)) for name, shows, make in made)
    gather = _graph(lambda p: p.gather(p.input(1, 9, 16), p.input(1, 6, dtype="INT32")))
    yield Case("gather", "a copy by index", gather, (U85,), indices={1: 9})


def _select(p: Program) -> int:
    operands = p.input(1, 5, 4, 1, dtype="BOOL"), p.input(*_SHAPE), p.input(1, 1, 1, 17)
    return p.op("SELECT", operands, _SHAPE, "INT8")


def _greater(p: Program) -> int:
    return p.op("GREATER", (p.input(*_SHAPE, dtype="INT32"), p.input(*_SHAPE, dtype="INT32")), _SHAPE, "BOOL")


def _chained(p: Program) -> int:
    x = p.input(*_IMAGE)
    return p.add(p.conv(x, 16), x)


def _argmax(p: Program) -> int:
    return p.op("ARGMAX", (p.input(*_SHAPE),), _SHAPE[:3], "INT32", axis=3, nan_mode="PROPAGATE")


def _largest(p: Program) -> int:
    return p.op("REDUCE_MAX", (p.input(*_SHAPE),), _COLUMN, axis=2, nan_mode="PROPAGATE")


def _wide_table(p: Program) -> int:
    entries = np.cumsum(p.random.integers(-120, 121, 513)).clip(-(1 << 15), (1 << 15) - 1)
    return p.op("TABLE", (p.input(*_SHAPE, dtype="INT16"), p.data(entries, "INT16")), _SHAPE, "INT32")
