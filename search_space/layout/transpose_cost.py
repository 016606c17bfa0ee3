"""The cost of ways to write a layout map, and the cheapest way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import permutations
from math import inf, isqrt

from search_space.ir.graph import Step, TensorType
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.ir.target_facts import TargetFacts
from search_space.layout.emission import merged, plan

#: Atoms up to which all pairs of transposes are tried: 119 of them for 5 atoms.
_MOST_ATOMS = 5


def steps_cycles(
    steps: tuple[Step, ...], source: TensorType, facts: TargetFacts, by_vela: bool = False, at_most: float = inf
) -> float:
    """Predicted cycles of the transposes among steps. Reshapes cost nothing.

    Args:
        steps: the steps, in order.
        source: type of the input.
        facts: about the target.
        by_vela: price by Vela's estimate alone.
        at_most: cycles from which on a way is of no interest.

    Returns:
        Cycles; infinity if the target refuses a transpose, or from `at_most` on.
    """
    total: float = 0
    shape = source.shape
    for step in steps:
        if step.kind == "transpose":
            cycles = facts.transpose_cycles(shape, step.argument, source.dtype, by_vela)
            if cycles is None:
                return inf
            total += cycles
            if total >= at_most:
                return inf
        shape = step.result(shape)
    return total


def cheapest_steps(
    layout: LayoutMap, source: TensorType, facts: TargetFacts, by_vela: bool = False, at_most: float = inf
) -> tuple[tuple[Step, ...], float] | None:
    """The cheapest way to write a map, of `candidate_plans`.

    Args:
        layout: the map.
        source: type of the input.
        facts: about the target.
        by_vela: price by Vela's estimate alone.
        at_most: cycles from which on a way is of no interest.

    Returns:
        The steps and their predicted cycles, or None if no way costs less than `at_most`.
    """
    if layout.keeps_order:
        return plan(layout), 0
    best: tuple[Step, ...] | None = None
    for steps in candidate_plans(layout):
        cycles = steps_cycles(steps, source, facts, by_vela, at_most)
        if cycles < at_most:
            best, at_most = steps, cycles
    return None if best is None else (best, at_most)


@lru_cache(maxsize=512)
def candidate_plans(layout: LayoutMap) -> tuple[tuple[Step, ...], ...]:
    """Ways to write a map that moves elements: in one TRANSPOSE or two, over several cuts into atoms."""
    found = dict.fromkeys((plan(layout), merged(layout)))
    for atoms, order in _cuts(layout):
        found[_over(layout, atoms, (order,))] = None
        if len(atoms) <= _MOST_ATOMS:
            for middle in permutations(range(len(atoms))):
                rest = tuple(middle.index(a) for a in order)
                found[_over(layout, atoms, (middle, rest))] = None
    return tuple(steps for steps in found if steps)


def _cuts(layout: LayoutMap) -> Iterator[tuple[Shape, tuple[int, ...]]]:
    """The map's own atoms, and those with the largest atom cut in two. It is cut near its square root, or where a
    dimension of either end cuts it."""
    yield layout.atoms, layout.order
    largest = max(range(len(layout.atoms)), key=lambda a: layout.atoms[a])
    size = layout.atoms[largest]
    ends = {d for shape in (layout.in_shape, layout.out_shape) for d in shape if 1 < d < size and size % d == 0}
    root = next((d for d in range(isqrt(size), 1, -1) if size % d == 0), None)
    for first in sorted(ends | ({root} if root else set())):
        atoms = (*layout.atoms[:largest], first, size // first, *layout.atoms[largest + 1 :])
        order = tuple(
            piece for a in layout.order for piece in ((largest, largest + 1) if a == largest else (a + (a > largest),))
        )
        yield atoms, order


def _over(layout: LayoutMap, atoms: Shape, orders: tuple[tuple[int, ...], ...]) -> tuple[Step, ...]:
    """Reshape to the atoms, transpose by each order that moves something over merged atoms, reshape to the result."""
    steps: list[Step] = []
    shape = layout.in_shape
    for order in orders:
        result = tuple(atoms[a] for a in order)
        one = LayoutMap.of(atoms, result, atoms, order)
        if not one.keeps_order:
            if one.atoms != shape:
                steps.append(Step("reshape", one.atoms))
            steps.append(Step("transpose", one.order))
            shape = tuple(one.atoms[a] for a in one.order)
        atoms = result
    if shape != layout.out_shape:
        steps.append(Step("reshape", layout.out_shape))
    return tuple(steps)
