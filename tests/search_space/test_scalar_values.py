"""What elementwise operators make of values, in numpy and by the reference model."""

import numpy as np
from hypothesis import event, given, note, settings
from hypothesis import strategies as st
from program_values import all_values
from random_builder import Builder
from random_operators import ELEMENTWISE

from search_space.dtypes import NUMPY
from search_space.elementwise import DATA_OPERANDS
from search_space.graph import CONST, MOVE, Graph, Node, TensorType
from search_space.scalar_values import KNOWN, values_of
from search_space.text import print_graph

#: Of an INT32 input of a random program.
_REACH = 1 << 15


def every_value(dtype: str) -> np.ndarray:
    """All values of a small type, some of a large one, as [16,16]."""
    if dtype == "BOOL":
        return np.arange(256).reshape(16, 16) % 2 == 1
    if dtype == "INT8":
        return np.arange(-128, 128).astype(np.int8).reshape(16, 16)
    reach = min(_REACH, 1 << 15)
    spread = np.linspace(-reach, reach - 1, 256).round()
    return spread.astype(NUMPY[dtype]).reshape(16, 16)


@settings(max_examples=300)
@given(data=st.data(), dtype=st.sampled_from(["INT8", "INT16", "INT32", "BOOL"]))
def test_numpy_and_the_reference_model_agree(data: st.DataObject, dtype: str) -> None:
    b = Builder(data.draw, np.random.default_rng(data.draw(st.integers(0, 2**16))))
    b.input(TensorType((16, 16), dtype))
    for _ in range(3):
        value = b.values[-1]
        operator = data.draw(st.sampled_from([one for one in ELEMENTWISE if one.takes(b, value)]))
        operator.put(b, value)
    graph = Graph(b.nodes, tuple(b.inputs), (b.values[-1],), len(b.nodes))
    note(print_graph(graph))
    expected = {
        i: np.frombuffer(raw, name).reshape(shape)
        for i, (shape, name, raw) in all_values(graph, [every_value(dtype)]).items()
    }
    for node_id, node in graph.operators():
        if node.op == MOVE:
            continue
        data_count = 1 if node.op == "RESCALE" else DATA_OPERANDS[node.op]
        operands = [graph[i].array if graph[i].op == CONST else expected[i] for i in node.inputs[:data_count]]
        parameters = [graph[i] for i in node.inputs[data_count:]]
        result = values_of(node, [one.astype(np.int64) for one in operands], parameters)
        event(f"{node.op} {'is not known' if result is None else ''}")
        if result is None:
            assert node.op not in KNOWN or left_out(node, parameters)
        else:
            assert (np.broadcast_to(result, node.type.shape) == expected[node_id]).all()


def left_out(node: Node, parameters: list[Node]) -> bool:
    """A multiplier for each channel, and the TABLE that interpolates."""
    if node.op == "RESCALE":
        return any(len(set(one.array.ravel().tolist())) > 1 for one in parameters)
    return node.op == "TABLE" and parameters[0].type.dtype == "INT16"
