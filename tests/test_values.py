"""What operators compute one by one is what the reference model computes of the whole program."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layer_programs import convolution
from random_graphs import graphs

from search_space.graph import INPUT, Graph, Node, TensorType, constant
from workers import values as values_module
from workers.check_inputs import CheckInput, check_inputs
from workers.reference import ReferenceFailed, run_on_each, run_reference
from workers.values import Values


def whole(graph: Graph, inputs: Sequence[CheckInput]) -> list[list[bytes]] | None:
    try:
        return [[a.tobytes() for a in run_reference(graph, one.arrays)] for one in inputs]
    except ReferenceFailed:
        return None


@settings(max_examples=60)
@given(data=st.data())
def test_the_outputs_are_those_of_the_whole_program(data: st.DataObject) -> None:
    """However little is remembered."""
    remembered = data.draw(st.sampled_from([0, 200, 3000, 1 << 20]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values_module, "_KEPT_BYTES", remembered)
        graph = data.draw(graphs())
        inputs = check_inputs(graph, (), seed=0)
        expected = whole(graph, inputs)
        assume(expected is not None)
        values = Values(inputs)
        for _ in range(2):
            found = values.outputs(graph)
            assert [[a.tobytes() for a in one] for one in zip(*found, strict=True)] == expected


def chain(operators: Sequence[str], dtype: str = "INT32") -> Graph:
    data = TensorType((4,), dtype)
    nodes = {0: Node(INPUT, (), data)}
    nodes.update({at: Node(op, (at - 1,), data) for at, op in enumerate(operators, 1)})
    return Graph(nodes, (0,), (len(operators),), len(operators) + 1)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The operators of each program that the reference model runs."""
    seen: list[list[str]] = []
    run: Callable[..., list[list[np.ndarray]]] = run_on_each

    def counted(graph: Graph, sets: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
        seen.append([node.op for _, node in graph.operators()])
        return run(graph, sets)

    monkeypatch.setattr(values_module, "run_on_each", counted)
    return seen


def test_an_operator_is_run_once_on_the_same_values(runs: list[list[str]]) -> None:
    """Also in another program, under other ids, and behind another operator that gives the same values."""
    inputs = [CheckInput("random", (np.array([1, 2, 3, 4], np.int32),)), CheckInput("zero", (np.zeros(4, np.int32),))]
    values = Values(inputs)
    values.outputs(chain(["ABS", "BITWISE_NOT", "CLZ"]))
    assert runs == [["ABS"], ["BITWISE_NOT"], ["CLZ"]]
    values.outputs(chain(["BITWISE_NOT", "BITWISE_NOT", "BITWISE_NOT", "CLZ"]))
    # Their input is its own absolute value: only what it is behind two of them was not known.
    assert runs[3:] == [["BITWISE_NOT"]]


def test_what_numpy_has_no_type_for_is_run_with_its_reader(runs: list[list[str]]) -> None:
    """INT48, as convolutions of int16 data give it."""
    graph = convolution((1, 3, 3, 2), (1, 1), 4, data_type="INT16")
    inputs = check_inputs(graph, (), seed=0)
    (found,) = Values(inputs).outputs(graph)
    assert runs == [["CONV2D", "RESCALE"]]
    assert [a.tobytes() for a in found] == [run_reference(graph, one.arrays)[0].tobytes() for one in inputs]


def test_what_cannot_be_run_is_said_with_the_inputs() -> None:
    """The sum overflows int32 for the second inputs only."""
    graph = chain(["ABS"])
    most = constant(np.full(4, 2**31 - 5, np.int32))
    graph = replace(
        graph, nodes={**graph.nodes, 2: most, 3: Node("ADD", (1, 2), graph[1].type)}, outputs=(3,), next_id=4
    )
    inputs = [CheckInput("zero point", (np.zeros(4, np.int32),)), CheckInput("maximum", (np.full(4, 9, np.int32),))]
    with pytest.raises(ReferenceFailed, match="on maximum inputs"):
        Values(inputs).outputs(graph)
