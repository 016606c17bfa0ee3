"""The inputs on which a candidate must give the outputs of the default lowering."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search_space.dtypes import NUMPY, integer_range
from search_space.graph import CONST, MOVE, Graph, TensorType

#: An INT32 input of a delegate is an index or an accumulator; values as large as the type would make TOSA programs
#: overflow, which the specification leaves undefined.
_INT32_REACH = 1 << 15

#: Random values that a program is run on where it is checked most thoroughly, and the most sets for that.
_RANDOM_VALUES, _MOST_RANDOM_SETS = 1 << 16, 32

_ZERO_POINT_OPERAND = {
    "RESCALE": 3, "CONV2D": 3, "CONV3D": 3, "DEPTHWISE_CONV2D": 3, "TRANSPOSE_CONV2D": 3, "AVG_POOL2D": 1,
    "MATMUL": 2, "NEGATE": 1,
}  # fmt: skip


#: A value on every set of inputs.
Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class CheckInput:
    """One set of inputs. kind: `random`, `minimum`, `maximum`, `zero point` or `calibration`; arrays: one per input."""

    kind: str
    arrays: tuple[np.ndarray, ...]


def check_inputs(graph: Graph, calibration: Sequence[Sequence[np.ndarray]], seed: int) -> list[CheckInput]:
    """The sets for a program: seeded random, all minimum, all maximum, all zero points, and the calibration inputs."""
    types = [graph[i].type for i in graph.inputs]
    random = np.random.default_rng(seed)
    sets = [CheckInput("random", tuple(_random(t, random) for t in types))]
    sets.append(CheckInput("minimum", tuple(np.full(t.shape, _reach(t)[0], NUMPY[t.dtype]) for t in types)))
    sets.append(CheckInput("maximum", tuple(np.full(t.shape, _reach(t)[1], NUMPY[t.dtype]) for t in types)))
    zeros = tuple(
        np.full(t.shape, _zero_point(graph, i), NUMPY[t.dtype]) for i, t in zip(graph.inputs, types, strict=True)
    )
    sets.append(CheckInput("zero point", zeros))
    for one in calibration:
        arrays = tuple(np.ascontiguousarray(a, NUMPY[t.dtype]) for a, t in zip(one, types, strict=True))
        sets.append(CheckInput("calibration", arrays))
    return list(_distinct(sets))


def more_random_inputs(graph: Graph, seed: int) -> list[CheckInput]:
    """Further random sets, the more the fewer values the inputs of the program have: some mistakes show for few values
    only, such as the lowest bits of a scale."""
    types = [graph[i].type for i in graph.inputs]
    values = sum(tensor.elements for tensor in types)
    sets = min(_MOST_RANDOM_SETS, -(-_RANDOM_VALUES // max(1, values)))
    random = np.random.default_rng((seed, sets))
    return [CheckInput("random", tuple(_random(tensor, random) for tensor in types)) for _ in range(sets - 1)]


def _distinct(sets: list[CheckInput]) -> Iterator[CheckInput]:
    seen: set[tuple[bytes, ...]] = set()
    for one in sets:
        content = tuple(a.tobytes() for a in one.arrays)
        if content not in seen:
            seen.add(content)
            yield one


def _reach(tensor: TensorType) -> tuple[int | float, int | float]:
    if tensor.dtype == "BOOL":
        return 0, 1
    if tensor.dtype == "FP32":
        return -4.0, 4.0
    if tensor.dtype == "INT32":
        return -_INT32_REACH, _INT32_REACH - 1
    return integer_range(tensor.dtype)


def _random(tensor: TensorType, random: np.random.Generator) -> np.ndarray:
    low, high = _reach(tensor)
    if tensor.dtype == "FP32":
        return random.uniform(low, high, tensor.shape).astype(np.float32)
    return random.integers(int(low), int(high) + 1, tensor.shape).astype(NUMPY[tensor.dtype])


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
