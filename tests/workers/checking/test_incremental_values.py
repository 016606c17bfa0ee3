"""What operators compute one by one is what the reference model computes of the whole program."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import convolution

from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from velatune.testing.random.graphs import graphs
from workers.checking import incremental_values as values_module
from workers.checking import numpy_operators as arithmetic
from workers.checking.check_inputs import CheckInput, check_inputs
from workers.checking.incremental_values import Values
from workers.checking.numpy_operators import result_of
from workers.checking.reference import run_on_each, run_reference
from workers.errors import ReferenceFailed


def whole(graph: Graph, inputs: Sequence[CheckInput]) -> list[list[bytes]] | None:
    try:
        return [[a.tobytes() for a in run_reference(graph, one.arrays)] for one in inputs]
    except ReferenceFailed:
        return None


@settings(max_examples=60)
@given(data=st.data())
def test_the_outputs_are_those_of_the_whole_program(data: st.DataObject) -> None:
    """However little is remembered, and however few operators are run together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values_module, "_KEPT_BYTES", data.draw(st.sampled_from([0, 200, 3000, 1 << 20])))
        patch.setattr(values_module, "_RUN_TOGETHER", data.draw(st.sampled_from([1, 2, 128])))
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
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], int]]:
    """The operators of each program that the reference model runs, and on how many sets of inputs."""
    seen: list[tuple[list[str], int]] = []
    run: Callable[..., list[list[np.ndarray]]] = run_on_each

    def counted(graph: Graph, sets: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
        seen.append(([node.op for _, node in graph.operators()], len(sets)))
        return run(graph, sets)

    monkeypatch.setattr(values_module, "run_on_each", counted)
    return seen


def test_an_operator_is_run_once_on_the_same_values(runs: list[tuple[list[str], int]]) -> None:
    """Also in another program, under other ids, and behind another operator that gives the same values."""
    inputs = [CheckInput("random", (np.array([1, 2, 3, 4], np.int32),)), CheckInput("zero", (np.zeros(4, np.int32),))]
    values = Values(inputs)
    values.outputs(chain(["ABS", "BITWISE_NOT", "IDENTITY"]))
    assert runs == [(["ABS", "BITWISE_NOT", "IDENTITY"], 1)]
    values.outputs(chain(["BITWISE_NOT", "BITWISE_NOT", "BITWISE_NOT", "IDENTITY"]))
    # Their input is its own absolute value: only what it is behind two of them was not known.
    assert runs[1:] == [(["BITWISE_NOT"], 1)]


def test_the_reference_model_runs_the_first_inputs_and_those_that_numpy_does_not_know(
    runs: list[tuple[list[str], int]],
) -> None:
    inputs = check_inputs(chain(["ABS", "CLZ"]), (), seed=0)
    Values(inputs).outputs(chain(["ABS", "CLZ"]))
    assert runs == [(["CLZ"], len(inputs)), (["ABS"], 1)]


def test_of_many_operators_every_one_is_run_on_the_first_inputs(
    monkeypatch: pytest.MonkeyPatch, runs: list[tuple[list[str], int]]
) -> None:
    monkeypatch.setattr(values_module, "_RUN_TOGETHER", 2)
    inputs = [CheckInput("random", (np.array([1, -2, 3, 4], np.int32),)), CheckInput("zero", (np.zeros(4, np.int32),))]
    Values(inputs).outputs(chain(["ABS", "BITWISE_NOT", "ABS"]))
    assert runs == [(["ABS", "BITWISE_NOT"], 1), (["ABS"], 1)]


@pytest.mark.parametrize("together", [1, 128])
@pytest.mark.parametrize("op", ["CONV2D", "RESCALE"])
@pytest.mark.parametrize("remembered", [0, 1 << 20])
def test_what_numpy_gets_wrong_is_left_to_the_reference_model(
    monkeypatch: pytest.MonkeyPatch, remembered: int, op: str, together: int
) -> None:
    def wrong(node: Node, operands: Sequence[Node], arrays: Sequence[np.ndarray]) -> np.ndarray | None:
        found = result_of(node, operands, arrays)
        return found + 1 if found is not None and node.op == op else found

    graph = convolution((1, 5, 5, 2), (3, 3), 4)
    inputs = check_inputs(graph, (), seed=0)
    monkeypatch.setattr(values_module, "result_of", wrong)
    monkeypatch.setattr(arithmetic, "result_of", wrong)
    monkeypatch.setattr(values_module, "_KEPT_BYTES", remembered)
    monkeypatch.setattr(values_module, "_RUN_TOGETHER", together)
    (found,) = Values(inputs).outputs(graph)
    assert [a.tobytes() for a in found] == [run_reference(graph, one.arrays)[0].tobytes() for one in inputs]


def test_what_the_reference_model_does_not_give_out_is_run_with_its_reader(runs: list[tuple[list[str], int]]) -> None:
    """INT48, as convolutions of int16 data give it."""
    graph = convolution((1, 3, 3, 2), (1, 1), 4, data_type="INT16")
    inputs = check_inputs(graph, (), seed=0)
    (found,) = Values(inputs).outputs(graph)
    assert runs == [(["CONV2D", "RESCALE"], 1)]
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
