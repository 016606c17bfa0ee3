"""Whether a program has layout transforms that Vela is known to compile wrongly."""

from __future__ import annotations

from collections.abc import Container
from itertools import combinations
from math import prod

from benchmarks.correctness.miscompilations.detection.values import operand, ordered_by
from benchmarks.correctness.miscompilations.miscompilation import U85
from search_space.ir.graph import CONST, INPUT, MOVE, Graph, Node, Step
from search_space.ir.layout_map import LayoutMap

#: Of a TRANSPOSE in one step.
_MOST_DIMENSIONS = 3

#: Orders of three dimensions that Ethos-U55 and U65 have no step for; of int32 they cannot exchange the outer two.
_NOT_IN_ONE_STEP = ((1, 2, 0), (2, 0, 1))
_NOT_IN_ONE_STEP_OF_INT32 = ((2, 1, 0),)


def lost_output(graph: Graph, node_id: int) -> bool:
    if node_id not in graph.outputs:
        return False
    value, unchanged = node_id, set[int]()
    while _changes_nothing(graph, value):  # Vela gives out what it is made of
        unchanged.add(value)
        (value,) = graph[value].inputs
    if not _is_transposed_on(graph, value, unchanged):
        return False
    return _is_transposed(graph, value) or _has_other_dimensions_of_one(graph, graph[value])


def _changes_nothing(graph: Graph, value: int) -> bool:
    """Whether it is an IDENTITY, or a RESHAPE or TRANSPOSE to the same shape and order."""
    node = graph[value]
    if node.op == "IDENTITY":
        return True
    return node.op == MOVE and node.layout_map.keeps_order and node.type.shape == graph[node.inputs[0]].type.shape


def _has_other_dimensions_of_one(graph: Graph, node: Node) -> bool:
    """Whether it is a RESHAPE that puts in or takes out dimensions of size 1."""
    if node.op != MOVE or not node.layout_map.keeps_order:
        return False
    shapes = graph[node.inputs[0]].type.shape, node.type.shape
    before, after = ([size for size in shape if size != 1] for shape in shapes)
    return before == after


def _is_transposed(graph: Graph, value: int) -> bool:
    """Whether a TRANSPOSE computes it, RESHAPEs aside."""
    return ordered_by(graph, value).op == MOVE


def _is_transposed_on(graph: Graph, value: int, aside: Container[int] = ()) -> bool:
    """Whether its only reader is a TRANSPOSE, RESHAPEs and the readers `aside` left out."""
    while len(readers := [one for one in graph.users[value] if one not in aside]) == 1:
        (value,) = readers
        if graph[value].op != MOVE:
            return False
        if not graph[value].layout_map.keeps_order:
            return True
    return False


def cancelled_transposes(graph: Graph, node_id: int) -> bool:
    """Whether a value was computed, TRANSPOSEd, TRANSPOSEd back and put into another shape."""
    steps: list[Step] = []
    source = graph[node_id]
    while source.op == MOVE:
        steps = [*source.steps, *steps]
        source = graph[source.inputs[0]]
    whole, turned = LayoutMap.reshape(source.type.shape, source.type.shape), False
    # Vela compares an input of booleans with 0 first, so that one is computed as well.
    computed = source.op != CONST and (source.op != INPUT or source.type.dtype == "BOOL")
    for step in steps if computed else []:
        longer = whole.then(step.map_from(whole.out_shape))
        if longer is None:
            return False  # Vela does not make one TRANSPOSE of such either.
        whole = longer
        if turned and whole.keeps_order and whole.out_shape != whole.in_shape:
            return True
        turned = turned or not whole.keeps_order
    return False


def written_constants(graph: Graph, node_id: int, family: str) -> bool:
    node = graph[node_id]
    return node.op == MOVE and operand(graph, node).op == CONST and _moves_in_several_steps(node, family)


def _moves_in_several_steps(node: Node, family: str) -> bool:
    """Whether a TRANSPOSE of it is one that the NPU does not do in one step."""
    not_in_one = () if family == U85 else _NOT_IN_ONE_STEP + (_NOT_IN_ONE_STEP_OF_INT32 * (node.type.dtype == "INT32"))
    shape = node.layout_map.in_shape
    for step in node.steps:
        if step.kind == "transpose" and not step.map_from(shape).keeps_order:
            perms, same = step.argument, 0
            while shape[same] == 1 and perms[same] == same:
                same += 1
            order = tuple(perm - same for perm in perms[same:])
            if len(order) > _MOST_DIMENSIONS or order in not_in_one:
                return True
        shape = step.result(shape)
    return False


def transposed_blocks(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    source = graph[node.inputs[0]] if node.op in ("CLAMP", "TABLE") else node
    return node.op != MOVE and source.op == MOVE and not source.layout_map.keeps_order


def square_transposes(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op != MOVE or not graph.users[node_id]:
        return False
    shape, maps = node.layout_map.in_shape, [node.layout_map]
    for step in node.steps:
        maps.append(step.map_from(shape))
        shape = step.result(shape)
    return any(map(_exchanges_equals, maps))


def _exchanges_equals(layout: LayoutMap) -> bool:
    """Whether it takes some dimensions past others of the same size, as one of its steps at least may do."""
    place = {atom: at for at, atom in enumerate(layout.order)}
    groups = [range(*ends) for ends in combinations(range(len(layout.atoms) + 1), 2)]
    sizes = {group: prod(layout.atoms[atom] for atom in group) for group in groups}
    return any(
        first.stop <= second.start
        and sizes[first] == sizes[second]
        and max(place[atom] for atom in second) < min(place[atom] for atom in first)
        for first in groups
        for second in groups
    )
