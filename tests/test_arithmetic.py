"""What numpy computes for an operator is what the reference model computes, bit for bit."""

import numpy as np
import pytest
from convolutions import Convolution
from hypothesis import event, given, settings
from hypothesis import strategies as st
from layer_programs import layer
from program_values import all_values, input_sets
from random_graphs import graphs

from search_space.graph import CONST, INPUT, Graph, Node, TensorType, constant
from workers.arithmetic import outputs_of, result_of
from workers.reference import run_reference


def values(graph: Graph, arrays: tuple[np.ndarray, ...]) -> dict[int, np.ndarray]:
    found = {i: np.frombuffer(raw, name).reshape(shape) for i, (shape, name, raw) in all_values(graph, arrays).items()}
    return found | {i: graph[i].array for i in graph.order if graph[i].op == CONST and graph[i].type.dtype != "INT48"}


@settings(max_examples=150)
@given(data=st.data())
def test_every_operator_of_random_programs(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    for arrays in input_sets(graph)[:2]:
        known = values(graph, arrays)
        for node_id in graph.order:
            node = graph[node_id]
            if node.op in (CONST, INPUT) or not {node_id, *node.inputs} <= known.keys():
                continue
            found = result_of(node, [graph[i] for i in node.inputs], [known[i] for i in node.inputs])
            event(f"{node.op}: {'left' if found is None else 'computed'}")
            if found is not None:
                assert (found.dtype, found.shape) == (known[node_id].dtype, known[node_id].shape)
                assert found.tobytes() == known[node_id].tobytes()


def assert_computed(graph: Graph) -> None:
    """On random and extreme inputs."""
    for arrays in input_sets(graph):
        found = outputs_of(graph, arrays)
        assert found is not None
        assert [a.tobytes() for a in found] == [a.tobytes() for a in run_reference(graph, arrays)]


CONVOLUTIONS = {
    "plain": Convolution(channels=5, out=7),
    "one pixel": Convolution(kernel=(1, 1), channels=40, out=3),
    "strided": Convolution(channels=3, stride=(2, 3), pad=(1, 0, 1, 1)),
    "dilated": Convolution(kernel=(2, 3), dilation=(3, 2), pad=(2, 1, 0, 2)),
    "batches": Convolution(batch=3, channels=2, weight_zero_point=4, zero_point=-128),
    "depthwise": Convolution("DEPTHWISE_CONV2D", channels=6, out=1, pad=(1, 1, 1, 1)),
    "depthwise with more": Convolution("DEPTHWISE_CONV2D", channels=3, out=4, stride=(2, 1), dilation=(1, 2)),
    "past what float32 counts": Convolution(kernel=(4, 4), channels=400, results=(2, 2)),
}


@pytest.mark.parametrize("one", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions(one: Convolution) -> None:
    graph = one.graph()
    assert_computed(graph)


def test_a_scale_for_each_channel() -> None:
    graph = layer("CONV2D", (1, 4, 4, 3), (9, 1, 1, 3), (1, 4, 4, 9), stride=(1, 1), pad=(0, 0, 0, 0), dilation=(1, 1))
    assert_computed(graph)


@pytest.mark.parametrize(("left", "right"), [((1, 2, 3), (1, 3, 4)), ((4, 5, 600), (4, 600, 2))])
def test_matrix_products(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    types = [TensorType(left, "INT8"), TensorType(right, "INT8"), TensorType((*left[:2], right[2]), "INT32")]
    nodes = {
        0: Node(INPUT, (), types[0]), 1: Node(INPUT, (), types[1]),
        2: constant(np.array([7], np.int8)), 3: constant(np.array([-128], np.int8)),
        4: Node("MATMUL", (0, 1, 2, 3), types[2]),
    }  # fmt: skip
    graph = Graph(nodes, (0, 1), (4,), 5)
    assert_computed(graph)


def test_what_might_overflow_is_left() -> None:
    """255 * 255 * 40000 is more than int32 has, whatever the sum comes to."""
    nodes = {
        0: Node(INPUT, (), TensorType((1, 1, 40000), "INT8")), 1: Node(INPUT, (), TensorType((1, 40000, 1), "INT8")),
        2: constant(np.array([-128], np.int8)), 3: constant(np.array([-128], np.int8)),
        4: Node("MATMUL", (0, 1, 2, 3), TensorType((1, 1, 1), "INT32")),
    }  # fmt: skip
    graph = Graph(nodes, (0, 1), (4,), 5)
    largest = [np.full(graph[i].type.shape, 127, np.int8) for i in graph.inputs]
    assert outputs_of(graph, largest) is None
    sums = Node("REDUCE_SUM", (0,), TensorType((1,), "INT32"), {"axis": 0})
    assert result_of(sums, [nodes[4]], [np.full(2, 2**30, np.int32)]) is None
