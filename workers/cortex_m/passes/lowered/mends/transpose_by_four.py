"""A transpose of more than four axes runs as one or several of at most four."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.cost.reading.nodes import args_of, operator_of, shape_of
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import operator, replaced, viewed

if TYPE_CHECKING:
    from torch.fx import Node

#: Axes that the kernel takes.
MOST_AXES = 4


@dataclass(frozen=True)
class TransposeByFour(Rewrite):
    """Every transpose of more, as channel shuffles and attention over windows have them. The kernel refuses
    them. Portable permutes of int8 are sites as well. ExecuTorch's conversion runs again after a rewrite, and turns
    them into such transposes."""

    name: ClassVar[str] = "transpose-by-four"
    law: ClassVar[str] = "axes that stay side by side move as one, and transposes in turn are one"

    def fits(self, program: Program, node: Node) -> bool:
        import torch

        kind = operator_of(node)
        becomes_one = kind == "permute_copy" and node.meta["val"].dtype == torch.int8
        return (kind == "transpose" or becomes_one) and len(shape_of(node)) > MOST_AXES

    def rewrite(self, program: Program, node: Node) -> None:
        # Name each step by the axes of the value as it came.
        value, order = args_of(node)
        sizes = shape_of(value)
        before = tuple(range(len(sizes)))
        *between, last = steps(sizes, tuple(order))
        for after in between:
            merged, turn = merged_axes(sizes, before, after)
            value = viewed(program, node, value, merged)
            value = _transposed(program, node, value, turn)
            before = after
        merged, turn = merged_axes(sizes, before, last)
        result = [merged[axis] for axis in turn]
        replaced(program, node, "transpose", (viewed(program, node, value, merged), turn), result)


def steps(sizes: Sequence[int], order: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Orders of axes that a value takes in turn.

    Each follows from the one before by a transpose of at most four axes.

    Each step brings the axes that come next to their place, in front of all that lie between.

    Args:
        sizes: of the axes of the value.
        order: of its axes in the end.

    Returns:
        Orders, the last of which is `order`.
    """
    now, found = tuple(range(len(sizes))), list[tuple[int, ...]]()
    while len(merged_axes(sizes, now, order)[0]) > MOST_AXES:
        start = next(place for place, axis in enumerate(order) if now[place] != axis)
        place, count = now.index(order[start]), 1
        while now[place + count : place + count + 1] == order[start + count : start + count + 1] != ():
            count += 1
        moved = now[place : place + count]
        now = (*now[:start], *moved, *now[start:place], *now[place + count :])
        found.append(now)
    return [*found, order]


def merged_axes(sizes: Sequence[int], before: Sequence[int], after: Sequence[int]) -> tuple[tuple[int, ...], list[int]]:
    """A transpose with axes that stay side by side merged, and without those of size 1.

    Args:
        sizes: by axis.
        before, after: axes in the order in which they lie in memory.

    Returns:
        Sizes of the merged axes in input order, and their positions there in output order.
    """
    there = [axis for axis in before if sizes[axis] != 1]
    then = [axis for axis in after if sizes[axis] != 1]
    if not then:
        return (1,), [0]
    groups = [[then[0]]]
    for left, right in pairwise(then):
        if there.index(right) == there.index(left) + 1:
            groups[-1].append(right)
        else:
            groups.append([right])
    lying = sorted(groups, key=lambda group: there.index(group[0]))
    return tuple(prod(sizes[axis] for axis in group) for group in lying), [lying.index(group) for group in groups]


def _transposed(program: Program, before: Node, value: Node, turn: Sequence[int]) -> Node:
    """A transpose of its own."""
    with program.module.graph.inserting_before(before):
        node: Node = program.module.graph.call_function(operator("transpose"), (value, list(turn)))
    there = value.meta["val"]
    node.meta = {**value.meta, "val": there.new_empty(tuple(there.shape[axis] for axis in turn))}
    return node
