"""The inputs on which a candidate must give the outputs of the default lowering."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, prod
from typing import Any

import numpy as np

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.graph import CONST, MOVE, Graph, TensorType
from workers.checking.index_ranges import IndexRange, index_ranges

#: An INT32 input of a delegate is an index or an accumulator; values as large as the type would make TOSA programs
#: overflow, which the specification leaves undefined.
_INT32_REACH = 1 << 15

#: Random values that a program is run on where it is checked most thoroughly, and the most sets for that.
_RANDOM_VALUES, _MOST_RANDOM_SETS = 1 << 16, 32

#: How often the range of random values is halved where a program is not defined on the whole.
_HALVINGS = 6

_ZERO_POINT_OPERAND = {
    "RESCALE": 3, "CONV2D": 3, "CONV3D": 3, "DEPTHWISE_CONV2D": 3, "TRANSPOSE_CONV2D": 3, "AVG_POOL2D": 1,
    "MATMUL": 2, "NEGATE": 1,
}  # fmt: skip


#: A value on every set of inputs.
Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class CheckInput:
    """One set of inputs.

    Attributes:
        kind: `random`, `minimum`, `maximum`, `zero point` or `calibration`.
        arrays: one per input.
    """

    kind: str
    arrays: tuple[np.ndarray, ...]


def check_inputs(graph: Graph, calibration: Sequence[Sequence[np.ndarray]], seed: int) -> list[CheckInput]:
    """The sets for a program: seeded random, all minimum, all maximum, all zero points, and the calibration inputs.

    Inputs that are indices keep to what is defined for them. Those of SCATTER are distinct in every set.

    Args:
        graph: the program.
        calibration: samples, each with one array for each input of the program.
        seed: of the random set.

    Returns:
        The sets; equal ones are left out.
    """
    drawn = _Drawn(graph, calibration)
    random = np.random.default_rng(seed)
    sets = [CheckInput("random", drawn.random(random))]
    sets.append(CheckInput("minimum", drawn.full(lambda _, reach: reach.low)))
    sets.append(CheckInput("maximum", drawn.full(lambda _, reach: reach.high)))
    sets.append(CheckInput("zero point", drawn.full(lambda i, reach: np.clip(_zero_point(graph, i), *reach.ends))))
    for one in calibration:
        arrays = tuple(np.asarray(a, NUMPY[t.dtype], order="C") for a, t in zip(one, drawn.types, strict=True))
        sets.append(CheckInput("calibration", arrays))
    return list(_distinct(sets))


def more_random_inputs(graph: Graph, calibration: Sequence[Sequence[np.ndarray]], seed: int) -> list[CheckInput]:
    """Further random sets, the more the fewer values the inputs of the program have. Some mistakes show for few values
    only, such as those in the lowest bits of a scale.

    Args:
        graph: the program.
        calibration: samples, each with one array for each input of the program.
        seed: of the sets.

    Returns:
        Sets besides the random one of `check_inputs`.
    """
    drawn = _Drawn(graph, calibration)
    values = sum(tensor.elements for tensor in drawn.types)
    sets = min(_MOST_RANDOM_SETS, -(-_RANDOM_VALUES // max(1, values)))
    random = np.random.default_rng((seed, sets))
    return [CheckInput("random", drawn.random(random)) for _ in range(sets - 1)]


def narrow_random_inputs(graph: Graph, calibration: Sequence[Sequence[np.ndarray]], seed: int) -> list[CheckInput]:
    """Random sets nearer and nearer to the zero points. Norms and sums of values from the whole range may be more than
    a program is defined on. Indices are as in the other sets.

    Args:
        graph: the program.
        calibration: samples, each with one array for each input of the program.
        seed: of the sets.

    Returns:
        Sets within a half, a quarter, ... of the range.
    """
    drawn = _Drawn(graph, calibration)
    random = np.random.default_rng((seed, _HALVINGS))
    return [CheckInput("random", drawn.narrow(random, 1 << halvings)) for halvings in range(1, _HALVINGS + 1)]


@dataclass(frozen=True)
class _Reach:
    """The values that an input may have.

    Attributes:
        distinct: not two of them the same in a row.
    """

    low: int | float
    high: int | float
    distinct: bool = False

    @property
    def ends(self) -> tuple[int | float, int | float]:
        return self.low, self.high


class _Drawn:
    """Values for the inputs of a program."""

    def __init__(self, graph: Graph, calibration: Sequence[Sequence[np.ndarray]]) -> None:
        self.types = [graph[i].type for i in graph.inputs]
        self._graph, self._ids = graph, graph.inputs
        self._indices = indices = index_ranges(graph)
        self._reach = [
            _reach_of_index(tensor, indices[i], [one[at] for one in calibration]) if i in indices else _reach(tensor)
            for at, (i, tensor) in enumerate(zip(graph.inputs, self.types, strict=True))
        ]

    def random(self, random: np.random.Generator) -> Arrays:
        return tuple(_random(t, reach, random) for t, reach in zip(self.types, self._reach, strict=True))

    def narrow(self, random: np.random.Generator, part: int) -> Arrays:
        """part: of the range on each side of the zero point, one in so many."""
        arrays = []
        for input_id, tensor, reach in zip(self._ids, self.types, self._reach, strict=True):
            if input_id not in self._indices and tensor.dtype != "BOOL":
                middle = np.clip(_zero_point(self._graph, input_id), *reach.ends)
                low, high = (middle + (end - middle) / part for end in reach.ends)
                reach = _Reach(low, high) if tensor.dtype == "FP32" else _Reach(ceil(low), floor(high))
            arrays.append(_random(tensor, reach, random))
        return tuple(arrays)

    def full(self, value: Callable[[int, _Reach], Any]) -> Arrays:
        """As near as may be to the same value everywhere."""
        arrays = []
        for input_id, tensor, reach in zip(self._ids, self.types, self._reach, strict=True):
            wanted = value(input_id, reach)
            one = np.full(tensor.shape, wanted, NUMPY[tensor.dtype])
            arrays.append(_apart(one, reach) if reach.distinct else one)
        return tuple(arrays)


def _apart(array: np.ndarray, reach: _Reach) -> np.ndarray:
    """Rows of one value as neighbouring values, which begin or end with it and stay within reach."""
    width = array.shape[-1]
    start = np.minimum(array[..., :1], reach.high - width + 1)
    return (start + np.arange(width)).astype(array.dtype)


def _distinct(sets: list[CheckInput]) -> Iterator[CheckInput]:
    seen: set[tuple[bytes, ...]] = set()
    for one in sets:
        content = tuple(a.tobytes() for a in one.arrays)
        if content not in seen:
            seen.add(content)
            yield one


def _reach(tensor: TensorType) -> _Reach:
    if tensor.dtype == "BOOL":
        return _Reach(0, 1)
    if tensor.dtype == "FP32":
        return _Reach(-4.0, 4.0)
    if tensor.dtype == "INT32":
        return _Reach(-_INT32_REACH, _INT32_REACH - 1)
    return _Reach(*integer_range(tensor.dtype))


def _reach_of_index(tensor: TensorType, allowed: IndexRange | None, seen: Sequence[np.ndarray]) -> _Reach:
    """seen: values that it had; where nothing says what else is allowed, these are. If it had none, 0 and 1 are, which
    most indices may be."""
    if allowed is not None:
        low, high = integer_range(tensor.dtype)
        reach = _Reach(max(low, allowed.low), min(high, allowed.high), allowed.distinct)
        # One index of rank 0 differs from none; and a program of more indices than there are values is defined on none.
        width = tensor.shape[-1] if tensor.shape else 1
        return replace(reach, distinct=reach.distinct and 1 < width <= reach.high - reach.low + 1)
    if known := [one for one in seen if one.size]:
        return _Reach(min(int(one.min()) for one in known), max(int(one.max()) for one in known))
    return _Reach(0, 1)


def _random(tensor: TensorType, reach: _Reach, random: np.random.Generator) -> np.ndarray:
    if tensor.dtype == "FP32":
        return random.uniform(*reach.ends, tensor.shape).astype(np.float32)
    if reach.distinct:
        values = np.arange(int(reach.low), int(reach.high) + 1)
        rows = [random.permutation(values)[: tensor.shape[-1]] for _ in range(prod(tensor.shape[:-1]))]
        return np.reshape(rows, tensor.shape).astype(NUMPY[tensor.dtype])
    return random.integers(int(reach.low), int(reach.high) + 1, tensor.shape).astype(NUMPY[tensor.dtype])


def _zero_point(graph: Graph, node_id: int) -> int:
    """The zero point that the first reader of an input subtracts; 0 where none does."""
    for reader_id in graph.users[node_id]:
        reader = graph[reader_id]
        if reader.op == MOVE:
            return _zero_point(graph, reader_id)
        operand = _ZERO_POINT_OPERAND.get(reader.op)
        if operand is not None:
            constant = graph[reader.inputs[operand]]
            if constant.op == CONST and constant.type.dtype in NUMPY:
                return int(constant.array.ravel()[0])
    return 0
