"""What numpy computes for an operator is what the reference model computes, bit for bit."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.programs.convolutions import Convolution
from support.programs.layer_programs import layer

from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.graph import CONST, INPUT, Graph, Node, TensorType, constant
from velatune.testing.random.graphs import graphs
from velatune.testing.reference_values import all_values, input_sets
from workers.checking import numpy_operators as arithmetic
from workers.checking.numpy_operators import constant_value, outputs_of, result_of
from workers.checking.reference import run_reference
from workers.errors import ReferenceFailed


def values(graph: Graph, sets: list[tuple[np.ndarray, ...]]) -> dict[int, np.ndarray]:
    """By the reference model, as the arithmetic takes them."""
    found: dict[int, list[np.ndarray]] = {}
    for arrays in sets:
        for i, (shape, name, raw) in all_values(graph, arrays).items():
            found.setdefault(i, []).append(np.frombuffer(raw, name).reshape(shape))
    constants = {i: constant_value(graph[i]) for i in graph.order if graph[i].op == CONST}
    return {i: np.stack(arrays) for i, arrays in found.items()} | {i: a for i, a in constants.items() if a is not None}


@settings(max_examples=150)
@given(data=st.data())
def test_every_operator_of_random_programs(data: st.DataObject) -> None:
    """On several sets of inputs at once, and set by set as it is done with large values."""
    graph = data.draw(graphs())
    known = values(graph, input_sets(graph)[:2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arithmetic, "_LARGE", data.draw(st.sampled_from([0, 1 << 18])))
        for node_id in graph.order:
            node = graph[node_id]
            if node.op in (CONST, INPUT) or not {node_id, *node.inputs} <= known.keys():
                continue
            found = result_of(node, [graph[i] for i in node.inputs], [known[i] for i in node.inputs])
            event(f"{node.op}: {'left' if found is None else 'computed'}")
            if found is not None:
                everywhere = np.broadcast_to(found, (2, *found.shape[1:]))
                assert (found.dtype, everywhere.shape) == (known[node_id].dtype, known[node_id].shape)
                assert everywhere.tobytes() == known[node_id].tobytes()


def assert_computed(graph: Graph) -> None:
    """On random and extreme inputs."""
    sets = input_sets(graph)
    found = outputs_of(graph, [np.stack(arrays) for arrays in zip(*sets, strict=True)])
    assert found is not None
    expected = [run_reference(graph, arrays) for arrays in sets]
    assert [a.tobytes() for a in found] == [np.stack(arrays).tobytes() for arrays in zip(*expected, strict=True)]


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


@pytest.mark.parametrize("op", ["CONV2D", "DEPTHWISE_CONV2D"])
def test_weights_that_are_computed(op: str) -> None:
    """So other ones on each set of inputs."""
    graph = Convolution(op, channels=3, zero_point=0).graph()
    weights = Node(INPUT, (), graph[1].type)
    assert_computed(Graph({**graph.nodes, 1: weights}, (0, 1), graph.outputs, graph.next_id))


@settings(max_examples=200)
@given(data=st.data())
def test_what_reads_int48(data: st.DataObject) -> None:
    """It has a value where the reference model finds one, and the same."""
    op = data.draw(st.sampled_from(["CONV2D", "DEPTHWISE_CONV2D", "MATMUL"]))
    graph = int16_matmul() if op == "MATMUL" else Convolution(op, channels=3, zero_point=0, dtype="INT16").graph()
    (wide,) = graph.outputs
    tensor = graph[wide].type
    dtype = data.draw(st.sampled_from(["INT8", "INT16", "INT32"]))
    per_channel = data.draw(st.booleans())
    count = tensor.shape[-1] if per_channel else 1
    multipliers = data.draw(st.lists(st.sampled_from([0, 1, 77, 16384, 30011, 32767]), min_size=count, max_size=count))
    least = data.draw(st.sampled_from([2, 9, 14, 30, 60]))
    shifts = data.draw(st.lists(st.integers(least, least + 2), min_size=count, max_size=count))
    zero_out = data.draw(st.integers(*integer_range("INT8"))) if dtype == "INT8" else 0
    nodes = {
        **graph.nodes,
        10: constant(np.array(multipliers, np.int16)),
        11: constant(np.array(shifts, np.int8)),
        12: Node(CONST, (), TensorType((1,), "INT48"), payload=bytes(6)),
        13: constant(np.array([zero_out]), dtype),
        14: Node(
            "RESCALE", (wide, 10, 11, 12, 13), TensorType(tensor.shape, dtype),
            {"scale32": False, "rounding_mode": "SINGLE_ROUND", "per_channel": per_channel, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    program = Graph(nodes, graph.inputs, (14,), 15)
    for arrays in input_sets(program):
        found = outputs_of(program, [array[None] for array in arrays])
        try:
            (expected,) = run_reference(program, arrays)
        except ReferenceFailed:
            event("undefined")
            assert found is None
        else:
            event("defined")
            assert found is not None
            assert (found[0][0].dtype, found[0][0].tobytes()) == (expected.dtype, expected.tobytes())


def int16_matmul() -> Graph:
    types = [TensorType((2, 3, 5), "INT16"), TensorType((2, 5, 4), "INT16"), TensorType((2, 3, 4), "INT48")]
    zero = constant(np.zeros(1, np.int16))
    nodes = {
        0: Node(INPUT, (), types[0]), 1: Node(INPUT, (), types[1]), 2: zero, 3: zero,
        4: Node("MATMUL", (0, 1, 2, 3), types[2]),
    }  # fmt: skip
    return Graph(nodes, (0, 1), (4,), 5)


def test_constants_of_int48_have_a_sign() -> None:
    wanted = [-(2**47), -1, 0, 1, 2**47 - 1, 0x0102030405]
    payload = b"".join(one.to_bytes(6, "little", signed=True) for one in wanted)
    found = constant_value(Node(CONST, (), TensorType((2, 3), "INT48"), payload=payload))
    assert found is not None
    assert found.tolist() == [[wanted[:3], wanted[3:]]]


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


@pytest.mark.parametrize(
    ("op", "before", "after"), [("ADD", "FP32", "FP32"), ("GREATER", "FP32", "BOOL"), ("CAST", "INT8", "FP32")]
)
def test_floats_are_left(op: str, before: str, after: str) -> None:
    nodes = {0: Node(INPUT, (), TensorType((3,), before)), 1: Node(INPUT, (), TensorType((3,), before))}
    nodes[2] = Node(op, (0,) if op == "CAST" else (0, 1), TensorType((3,), after))
    graph = Graph(nodes, (0, 1), (2,), 3)
    assert outputs_of(graph, [np.ones((1, 3), NUMPY[before])] * 2) is None


def test_what_might_overflow_is_left() -> None:
    """255 * 255 * 40000 is more than int32 has, whatever the sum comes to."""
    nodes = {
        0: Node(INPUT, (), TensorType((1, 1, 40000), "INT8")), 1: Node(INPUT, (), TensorType((1, 40000, 1), "INT8")),
        2: constant(np.array([-128], np.int8)), 3: constant(np.array([-128], np.int8)),
        4: Node("MATMUL", (0, 1, 2, 3), TensorType((1, 1, 1), "INT32")),
    }  # fmt: skip
    graph = Graph(nodes, (0, 1), (4,), 5)
    largest = [np.full((1, *graph[i].type.shape), 127, np.int8) for i in graph.inputs]
    assert outputs_of(graph, largest) is None
    sums = Node("REDUCE_SUM", (0,), TensorType((1,), "INT32"), {"axis": 0})
    assert result_of(sums, [nodes[4]], [np.full((1, 2), 2**30, np.int32)]) is None
