"""Every transpose is written as the sequence of transposes that is cheapest on the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import inf, isqrt
from typing import ClassVar

from search_space.editor import Editor
from search_space.facts import TargetFacts
from search_space.graph import INPUT, MOVE, Step, TensorType, move
from search_space.layout_map import LayoutMap, Shape
from search_space.passes.base import Pass
from search_space.plan import merged, plan

#: Atoms up to which all ways over one order between are looked at: 119 of them for 5.
_MOST_ATOMS = 5

#: What a stream cycle counts against a cycle of Vela's estimate.
_STREAM_OVER_VELA = 8


@dataclass(frozen=True)
class PlanMoves(Pass):
    """Each candidate transpose is compiled by itself, once, and remembered (`search_space.facts`); reshapes are free.

    NCHW to NHWC with 3 channels is cheapest as one 2-D transpose on Ethos-U55 and as two rotations on Ethos-U85; the
    depth-to-space of a pixel shuffle is several times cheaper in two steps on both.

    What is cheapest is said by stream cycles, with an eighth of Vela's estimate: a plan that Vela finds many times
    dearer, as it does some on Ethos-U85 by mistake, would break the limit that Vela's number must not rise.

    by_vela: take Vela's estimate alone.
    interior: leave out moves of the program's inputs and those that are its results. Some cost less where they are
    than by themselves, since they are done with the operator beside them.
    """

    name: ClassVar[str] = "plan-moves"
    law: ClassVar[str] = "any transposes and reshapes that compose to the same layout map give the same tensor"

    by_vela: bool = False
    interior: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.layout_map.keeps_order:
            return False
        if self.interior and (edit.is_output(node_id) or edit[node.inputs[0]].op == INPUT):
            return False
        source = edit[node.inputs[0]].type
        best, cost = node.steps, self._cycles(node.steps, source, edit.facts)
        for steps in candidate_plans(node.layout_map):
            cycles = self._cycles(steps, source, edit.facts, at_most=cost)
            if cycles < cost:
                best, cost = steps, cycles
        if best == node.steps:
            return False
        edit.redefine(node_id, move(node.inputs[0], source, best, node.name))
        return True

    def _cycles(self, steps: tuple[Step, ...], source: TensorType, facts: TargetFacts, at_most: float = inf) -> float:
        """Predicted cycles of the transposes among the steps; infinite if the target refuses one, or past `at_most`."""
        total: float = 0
        shape = source.shape
        for step in steps:
            if step.kind == "transpose":
                total += self._price(shape, step, source.dtype, facts)
                if total >= at_most:
                    return inf
            shape = step.result(shape)
        return total

    def _price(self, shape: Shape, step: Step, dtype: str, facts: TargetFacts) -> float:
        by_vela = facts.transpose_cycles(shape, step.argument, dtype, by_vela=True)
        if by_vela is None or self.by_vela:
            return inf if by_vela is None else by_vela
        by_stream = facts.transpose_cycles(shape, step.argument, dtype)
        return inf if by_stream is None else by_stream + by_vela / _STREAM_OVER_VELA


@lru_cache(maxsize=512)
def candidate_plans(layout: LayoutMap) -> tuple[tuple[Step, ...], ...]:
    """Ways to write a map that moves something, in one TRANSPOSE or two, over several cuts into atoms."""
    found = dict.fromkeys((plan(layout), merged(layout)))
    for atoms, order in _cuts(layout):
        found[_over(layout, atoms, (order,))] = None
        if len(atoms) <= _MOST_ATOMS:
            for middle in permutations(range(len(atoms))):
                rest = tuple(middle.index(a) for a in order)
                found[_over(layout, atoms, (middle, rest))] = None
    return tuple(steps for steps in found if steps)


def _cuts(layout: LayoutMap) -> Iterator[tuple[Shape, tuple[int, ...]]]:
    """The map's own atoms, and those with the largest atom cut in two near its square root or where a dimension of
    either end cuts it."""
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
