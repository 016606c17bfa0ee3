"""A program under construction, in which every value is known to lie between two bounds.

Nothing that TOSA leaves undefined may happen on any input. That is int32 overflow, a shift too small, or a division by
zero. So the reference model runs every program to the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.graph import CONST, INPUT, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape

Bounds = tuple[int, int]

LARGEST = 400  # elements of a value
SAFE = (1 << 31) - 1
_INT32_REACH = 1 << 15  # of an int32 input, as in workers.checking.check_inputs
INTEGERS = ("INT8", "INT16", "INT32")
ALL = (*INTEGERS, "BOOL")


@st.composite
def shapes(draw: st.DrawFn, min_rank: int = 1, max_rank: int = 5, elements: int = 120) -> Shape:
    """Shapes of which half of the dimensions, or more, have size 1.

    Args:
        draw: Hypothesis's draw function.
        min_rank: fewest dimensions.
        max_rank: most dimensions.
        elements: most elements.

    Returns:
        The strategy.
    """
    shape: list[int] = []
    for _ in range(draw(st.integers(min_rank, max_rank))):
        most = min(6, elements // prod(shape))
        shape.append(draw(st.one_of(st.just(1), st.integers(1, most))))
    return tuple(shape)


@st.composite
def wide_shapes(draw: st.DrawFn, rank: int, elements: int = 72) -> Shape:
    """Shapes of which few of the dimensions have size 1.

    Args:
        draw: Hypothesis's draw function.
        rank: number of dimensions.
        elements: most elements.

    Returns:
        The strategy.
    """
    shape: list[int] = []
    for _ in range(rank):
        most = max(1, elements // prod(shape))
        shape.append(min(most, draw(st.sampled_from([1, 2, 2, 3, 4]))))
    return tuple(draw(st.permutations(shape)))


@st.composite
def regroupings(draw: st.DrawFn, shape: Shape, max_rank: int = 5) -> Shape:
    """Shapes with as many elements: dimensions merged and split, dimensions of size 1 inserted.

    Args:
        draw: Hypothesis's draw function.
        shape: the shape that is regrouped.
        max_rank: most dimensions.

    Returns:
        The strategy.
    """
    result: list[int] = []
    for factor in (factor for size in shape for factor in primes(size)):
        if result and (len(result) == max_rank or draw(st.booleans())):
            result[-1] *= factor
        else:
            result.append(factor)
    for _ in range(draw(st.integers(0 if result else 1, max(1, max_rank - len(result))))):
        if len(result) < max_rank:
            result.insert(draw(st.integers(0, len(result))), 1)
    return tuple(result)


@st.composite
def steps(draw: st.DrawFn, shape: Shape, max_rank: int = 5) -> Step:
    """One TRANSPOSE or RESHAPE.

    Args:
        draw: Hypothesis's draw function.
        shape: shape of its input.
        max_rank: most dimensions of its result.

    Returns:
        The strategy.
    """
    if draw(st.booleans()):
        return Step("transpose", tuple(draw(st.permutations(range(len(shape))))))
    return Step("reshape", draw(regroupings(shape, max_rank)))


def primes(size: int) -> list[int]:
    found, divisor = [], 2
    while size > 1:
        while size % divisor == 0:
            found.append(divisor)
            size //= divisor
        divisor += 1
    return found


@dataclass
class Builder:
    """Adds one operator after another to a program.

    Attributes:
        draw: Hypothesis's draw function.
        random: source of constants.
        nodes: id -> node.
        bounds: id -> range of the value.
        inputs: of the program.
        values: ids that operators may read.
        flow: the last layout transform whose result operators were added to: the shape before it, and its steps.
    """

    draw: st.DrawFn
    random: np.random.Generator
    nodes: dict[int, Node] = field(default_factory=dict)
    bounds: dict[int, Bounds] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    flow: tuple[Shape, tuple[Step, ...]] | None = None

    def type(self, value: int) -> TensorType:
        return self.nodes[value].type

    def shape(self, value: int) -> Shape:
        return self.nodes[value].type.shape

    def add(self, node: Node, bounds: Bounds | None = None) -> int:
        """Add a value.

        Args:
            node: the node that computes it.
            bounds: its range; that of its type if left out.

        Returns:
            Its id.
        """
        node_id = len(self.nodes)
        self.nodes[node_id] = node
        self.bounds[node_id] = bounds or full_range(node.type.dtype)
        self.values.append(node_id)
        return node_id

    def input(self, tensor: TensorType) -> int:
        reach = (-_INT32_REACH, _INT32_REACH - 1) if tensor.dtype == "INT32" else None
        self.inputs.append(self.add(Node(INPUT, (), tensor, name=f"input{len(self.inputs)}"), reach))
        return self.inputs[-1]

    def wide_input(self, dtypes: tuple[str, ...], rank: int | None = None) -> int:
        """Add an input with several elements along most of its dimensions.

        Args:
            dtypes: element types that it may have.
            rank: number of its dimensions; 2 to 4 if left out.

        Returns:
            Its id.
        """
        shape = self.draw(wide_shapes(self.draw(st.integers(2, 4)) if rank is None else rank))
        return self.input(TensorType(shape, self.draw(st.sampled_from(dtypes))))

    def op(
        self, op: str, inputs: tuple[int, ...], shape: Shape, dtype: str, bounds: Bounds | None = None,
        **attributes: Any
    ) -> int:  # fmt: skip
        """Add an operator.

        Args:
            op: its name in TOSA.
            inputs: ids of its operands.
            shape: shape of the result.
            dtype: element type of the result.
            bounds: range of the result; that of its type if left out.
            **attributes: by their names in `search_space.ir.schema`.

        Returns:
            The id of the result.
        """
        return self.add(Node(op, inputs, TensorType(shape, dtype), attributes), bounds)

    def moved(self, source: int, written: tuple[Step, ...]) -> int:
        """Add a layout transform.

        Args:
            source: id of the value.
            written: its steps.

        Returns:
            The id of the result.
        """
        return self.add(move(source, self.type(source), written), self.bounds[source])

    def parameter(self, values: Any, dtype: str, shape: Shape = (1,)) -> int:
        """Add a constant that no other operator is drawn on.

        Args:
            values: a number or array that broadcasts to the shape.
            dtype: its element type.
            shape: its shape.

        Returns:
            Its id.
        """
        node_id = len(self.nodes)
        if dtype == "INT48":
            payload = b"".join(int(v).to_bytes(6, "little", signed=True) for v in np.ravel(values))
            self.nodes[node_id] = Node(CONST, (), TensorType(shape, dtype), payload=payload)
        else:
            self.nodes[node_id] = constant(np.broadcast_to(np.asarray(values, NUMPY[dtype]), shape), dtype)
        return node_id

    def data(self, shape: Shape, dtype: str, bounds: Bounds) -> int:
        """Add a constant operand with random values, some of them the extremes.

        Args:
            shape: its shape.
            dtype: its element type.
            bounds: its range.

        Returns:
            Its id.
        """
        low, high = bounds
        array = self.random.integers(low, high + 1, shape)
        array = np.where(self.random.random(shape) < 0.1, self.random.choice([low, high], shape), array)
        node_id = self.parameter(array, dtype, shape)
        self.bounds[node_id] = bounds
        return node_id

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    def pick(self, dtypes: tuple[str, ...], rank: int | None = None) -> int | None:
        """Draw a value, mostly one of the last.

        Args:
            dtypes: element types that it may have.
            rank: number of dimensions; a value of another rank is reshaped. None for any.

        Returns:
            Its id, or None if there is none.
        """
        fitting = [v for v in self.values if self.type(v).dtype in dtypes]
        exact = [v for v in fitting if rank in (None, len(self.shape(v)))]
        if exact:
            return self.draw(st.sampled_from(exact if self.chance(4) else exact[-3:]))
        if not fitting or rank is None:
            return None
        value = self.draw(st.sampled_from(fitting))
        shape = [1] * rank
        for at, factor in enumerate(primes(prod(self.shape(value)))):
            shape[1 + at % (rank - 1)] *= factor
        return self.moved(value, (Step("reshape", tuple(shape)),))

    def partner(self, value: int) -> int:
        """Draw a second operand.

        It is the same value, one of another shape, or one that broadcasts. Or it has the same layout transform. Or it
        is a constant: full, broadcast, or transformed itself.
        """
        tensor = self.type(value)
        kinds = ["same", "other", "alike", "alike", "moved constant", "full", "broadcast", "single"]
        kind = self.draw(st.sampled_from(kinds))
        same_type = [v for v in self.values if self.type(v).dtype == tensor.dtype]
        if kind == "same":
            return value
        if kind == "other":
            return self.draw(st.sampled_from([v for v in same_type if fits(self.shape(v), tensor.shape)]))
        if kind == "alike" and self.flow is not None:
            fitting = [v for v in same_type if self.shape(v) == self.flow[0]]
            if fitting and move(fitting[0], self.type(fitting[0]), self.flow[1]).type == tensor:
                return self.moved(self.draw(st.sampled_from(fitting)), self.flow[1])
        if kind == "moved constant":
            perms = self.draw(st.permutations(range(len(tensor.shape))))
            back = tuple(tensor.shape[perms.index(d)] for d in range(len(perms)))
            source = self.data(back, tensor.dtype, _small(tensor.dtype))
            return self.moved(source, (Step("transpose", tuple(perms)),))
        return self.operand(tensor.shape, tensor.dtype, _small(tensor.dtype), kind)

    def operand(self, shape: Shape, dtype: str, bounds: Bounds, kind: str = "") -> int:
        """Add a constant that broadcasts to a shape.

        Args:
            shape: the shape.
            dtype: its element type.
            bounds: its range.
            kind: `full`, `broadcast` or `single`; drawn if left out.

        Returns:
            Its id.
        """
        kind = kind or self.draw(st.sampled_from(["full", "broadcast", "single"]))
        if kind == "single":
            shape = (1,) * len(shape)
        elif kind == "broadcast":
            shape = tuple(self.draw(st.sampled_from([1, size])) for size in shape)
        return self.data(shape, dtype, bounds)

    def zero_point(self, dtype: str) -> tuple[int, int]:
        """A zero point that TOSA allows for the type: its value and its constant."""
        value = self.draw(st.sampled_from([0, -128, 127, -3, 11])) if dtype == "INT8" else 0
        return value, self.parameter(value, dtype)

    def either_way(self, first: int, second: int) -> tuple[int, int]:
        """Swap two operands in one case out of three.

        Args:
            first: id of an operand.
            second: id of the other one.

        Returns:
            Both ids.
        """
        return (second, first) if self.chance(3) else (first, second)


def full_range(dtype: str) -> Bounds:
    return (0, 1) if dtype == "BOOL" else integer_range(dtype)


def _small(dtype: str) -> Bounds:
    low, high = full_range(dtype)
    return max(low, -1000), min(high, 1000)


def fits(small: Shape, full: Shape) -> bool:
    """Whether one shape broadcasts to another one of the same rank.

    Args:
        small: the shape that is broadcast.
        full: the shape of the result.

    Returns:
        True if it does.
    """
    return len(small) == len(full) and all(a in (1, b) for a, b in zip(small, full, strict=True))


def corners(function: Callable[[int, int], int], a: Bounds, b: Bounds) -> Bounds:
    """Bounds of a function that has its extremes at corners.

    Args:
        function: the function.
        a: range of its first argument.
        b: range of its second argument.

    Returns:
        Smallest and largest result.
    """
    results = [function(x, y) for x in a for y in b]
    return min(results), max(results)
