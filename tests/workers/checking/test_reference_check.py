"""The check runs only operators that it has not run on the same values; it must say what running both whole would."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from search_space.ir.graph import CONST, INPUT, Graph, Node, TensorType, constant
from search_space.ir.verifier import problems
from search_space.recipe.space import tosa_passes
from velatune.testing.random.graphs import graphs
from workers.checking.check_inputs import CheckInput, check_inputs
from workers.checking.incremental_values import Values
from workers.checking.reference import run_reference
from workers.checking.reference_check import check
from workers.errors import ReferenceFailed


@st.composite
def candidates(draw: st.DrawFn, graph: Graph) -> Graph:
    """What lawful passes make of a program, then perhaps spoilt."""
    for _ in range(draw(st.integers(0, 2))):
        graph = draw(st.sampled_from(tosa_passes())).apply(graph)
    for _ in range(draw(st.integers(0, 2))):
        graph = draw(st.sampled_from([another_constant, another_operand, other_outputs, other_ids]))(draw, graph)
    return graph


def another_constant(draw: st.DrawFn, graph: Graph) -> Graph:
    """A constant with one other value: under its own id, which now denotes another tensor, or under a new one."""
    constants = [
        i
        for i in graph.order
        # One int32 may be a zero point, which has to be 0: the reference model ends the process over others.
        if graph[i].op == CONST
        and (graph[i].type.dtype == "INT8" or (graph[i].type.dtype == "INT32" and graph[i].type.elements > 1))
    ]
    assume(constants)
    node_id = draw(st.sampled_from(constants))
    values = graph[node_id].array.copy()
    values.flat[draw(st.integers(0, values.size - 1))] ^= 1
    changed = constant(values, graph[node_id].type.dtype)
    if draw(st.booleans()):
        return whole(graph, {**graph.nodes, node_id: changed})
    nodes = {i: replace(n, inputs=renamed(n.inputs, {node_id: graph.next_id})) for i, n in graph.nodes.items()}
    return whole(graph, {**nodes, graph.next_id: changed}, next_id=graph.next_id + 1)


def another_operand(draw: st.DrawFn, graph: Graph) -> Graph:
    """An operator that reads another value of the same type, one computed before it."""
    ways = [
        (reader, at, other)
        for place, reader in enumerate(graph.order)
        for at, operand in enumerate(graph[reader].inputs)
        for other in graph.order[:place]
        if other != operand
        and graph[other].type == graph[operand].type
        # Parameters have to be constants, and indices in range: beyond that the reference model ends the process.
        and CONST not in (graph[other].op, graph[operand].op)
        and graph[reader].op not in ("GATHER", "SCATTER")
    ]
    assume(ways)
    reader, at, other = draw(st.sampled_from(ways))
    inputs = list(graph[reader].inputs)
    inputs[at] = other
    return whole(graph, {**graph.nodes, reader: replace(graph[reader], inputs=tuple(inputs))})


def other_outputs(draw: st.DrawFn, graph: Graph) -> Graph:
    """One output is another value of its type (a constant would end the reference model's process)."""
    at = draw(st.integers(0, len(graph.outputs) - 1))
    alike = [i for i in graph.order if graph[i].type == graph[graph.outputs[at]].type and graph[i].op != CONST]
    assume(alike)
    outputs = (*graph.outputs[:at], draw(st.sampled_from(alike)), *graph.outputs[at + 1 :])
    return whole(replace(graph, outputs=outputs), graph.nodes)


def other_ids(draw: st.DrawFn, graph: Graph) -> Graph:
    """The same program, but ids no longer denote the tensors that they denoted: what a pass must not do."""
    free = [i for i in graph.order if graph[i].op != INPUT]
    names = dict(zip(free, draw(st.permutations(free)), strict=True))
    nodes = {names.get(i, i): replace(n, inputs=renamed(n.inputs, names)) for i, n in graph.nodes.items()}
    return whole(replace(graph, outputs=renamed(graph.outputs, names)), nodes)


def renamed(ids: tuple[int, ...], names: dict[int, int]) -> tuple[int, ...]:
    return tuple(names.get(i, i) for i in ids)


def whole(graph: Graph, nodes: dict[int, Node], next_id: int = 0) -> Graph:
    """Without what nothing needs any more."""
    changed = Graph(nodes, graph.inputs, graph.outputs, max(next_id, graph.next_id))
    return replace(changed, nodes={i: changed[i] for i in changed.order})


def run(graph: Graph, one: CheckInput) -> list[bytes] | None:
    try:
        return [a.tobytes() for a in run_reference(graph, one.arrays)]
    except ReferenceFailed:
        return None


@settings(max_examples=150)
@given(data=st.data())
def test_it_says_what_running_both_whole_would_say(data: st.DataObject) -> None:
    """Also of a candidate that comes after others, whose right parts are not run again."""
    default = data.draw(graphs())
    inputs = check_inputs(default, (), seed=0)
    values = Values(inputs)
    before = data.draw(candidates(default))
    for candidate in (before, data.draw(candidates(before)), data.draw(candidates(default))):
        if problems(candidate):
            continue
        equal = all(run(candidate, one) == run(default, one) for one in inputs)
        event("equal" if equal else "different")
        verdict = check(candidate, default, values)
        assert verdict.equal == equal
        assert bool(verdict.reason) != equal


def abs_of_input(dtype: str = "INT32", name: str = "") -> Graph:
    data = TensorType((2, 3), dtype)
    return Graph({0: Node(INPUT, (), data), 1: Node("ABS", (0,), data, name=name)}, (0,), (1,), 2)


def test_what_differs_is_said_with_the_inputs_on_which_it_does() -> None:
    default = abs_of_input()
    candidate = replace(default, nodes={**default.nodes, 1: replace(default[1], op="CLZ")})
    verdict = check(candidate, default, Values(check_inputs(default, (), seed=0)))
    assert (verdict.equal, verdict.reason) == (False, "6 of 6 values of output 0 differ on random inputs")


def test_inputs_of_the_user_count() -> None:
    """max(x, 5) is x on all inputs but those of the calibration."""
    data = TensorType((1,), "INT32")
    default = Graph({0: Node(INPUT, (), data), 1: Node("ABS", (0,), data)}, (0,), (1,), 2)
    nodes = {
        **default.nodes,
        2: constant(np.array([5], np.int32)),
        3: Node("MAXIMUM", (1, 2), data, {"nan_mode": "PROPAGATE"}),
    }
    candidate = Graph(nodes, (0,), (3,), 4)
    far = [CheckInput("random", (np.array([77], np.int32),))]
    near = CheckInput("calibration", (np.array([-3], np.int32),))
    assert check(candidate, default, Values(far)).equal
    verdict = check(candidate, default, Values([*far, near]))
    assert not verdict.equal
    assert verdict.reason.endswith("on calibration inputs")


def test_another_interface_is_not_equal() -> None:
    values = Values(check_inputs(abs_of_input(), (), seed=0))
    assert not check(abs_of_input("INT16"), abs_of_input(), values).equal
    twice = replace(abs_of_input(), outputs=(1, 1))
    assert not check(twice, abs_of_input(), values).equal
    assert check(abs_of_input(name="another name"), abs_of_input(), values).equal


def test_a_default_that_cannot_be_run_is_not_called_equal() -> None:
    """The sum overflows int32, which TOSA leaves undefined."""
    data = TensorType((1,), "INT32")
    nodes = {
        0: Node(INPUT, (), data),
        1: constant(np.array([2**31 - 1], np.int32)),
        2: Node("ADD", (0, 1), data),
        3: Node("ABS", (2,), data),
    }
    default = Graph(nodes, (0,), (3,), 4)
    inputs = [CheckInput("maximum", (np.array([2**15 - 1], np.int32),))]
    candidate = replace(default, nodes={**nodes, 2: replace(nodes[2], inputs=(1, 0))})
    with pytest.raises(ReferenceFailed):
        check(candidate, default, Values(inputs))
