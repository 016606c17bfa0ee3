"""What elementwise operators make of values, in numpy and by the reference model."""

import numpy as np
from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from search_space.analysis.constant_evaluation import KNOWN, rescaled, values_of
from search_space.ir.dtypes import NUMPY, integer_range
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import CONST, MOVE, Graph, Node, TensorType
from search_space.ir.printer import print_graph
from velatune.testing.random.builder import Builder
from velatune.testing.random.operators import ELEMENTWISE
from velatune.testing.reference_values import all_values

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


def scaled_as_specified(value: int, multiplier: int, shift: int, zeros: tuple[int, int], twice: bool) -> int | None:
    """TOSA 1.0, RESCALE and apply_scale_32 or _16, of one value; None where a REQUIRE does not hold."""
    value -= zeros[0]
    if multiplier < 0 or not 2 <= shift <= 62 or not -1 << (shift - 1) <= value < 1 << (shift - 1):
        return None
    rounding = 1 << (shift - 1)
    if twice and shift > 31:
        rounding += 1 << 30 if value >= 0 else -1 << 30
    result = (value * multiplier + rounding) >> shift
    return result + zeros[1] if all(-1 << 31 <= one < 1 << 31 for one in (result, result + zeros[1])) else None


#: Few of which values and scales do not fit together.
REACHES = {"INT8": st.integers(-128, 127), "INT16": st.integers(-(1 << 15), (1 << 15) - 1)}
REACHES["INT32"] = st.one_of(REACHES["INT16"], st.integers(-(1 << 31), (1 << 31) - 1))


@settings(max_examples=400)
@given(
    data=st.data(), types=st.tuples(*[st.sampled_from(sorted(REACHES))] * 2), twice=st.booleans(),
    scales=st.lists(
        st.tuples(st.integers(-1, (1 << 31) - 1), st.one_of(st.integers(20, 50), st.integers(0, 64))),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_a_rescale_is_as_specified(
    data: st.DataObject, types: tuple[str, str], twice: bool, scales: list[tuple[int, int]]
) -> None:
    """Of each value as if it were alone: a scale for all or one for each channel, all values or none."""
    channels = data.draw(st.sampled_from([len(scales), 4])) if len(scales) == 1 else len(scales)
    zero_in, zero_out = (data.draw(REACHES["INT8"]) if one == "INT8" else 0 for one in types)
    zeros = zero_in, zero_out
    values = data.draw(
        st.lists(st.lists(REACHES[types[0]], min_size=channels, max_size=channels), min_size=1, max_size=3)
    )
    attributes = {
        "rounding_mode": "DOUBLE_ROUND" if twice else "SINGLE_ROUND", "input_unsigned": False, "output_unsigned": False,
    }  # fmt: skip
    node = Node("RESCALE", (), TensorType((len(values), channels), types[1]), attributes)
    multipliers, shifts = (np.array(column, np.int64) for column in zip(*scales, strict=True))
    found = rescaled(
        node, np.array(values, NUMPY[types[0]]), multipliers.astype(np.int32), shifts.astype(np.int8),
        *(np.array([zero], NUMPY[one]) for zero, one in zip(zeros, types, strict=True)),
    )  # fmt: skip
    low, high = integer_range(types[1])
    each = scales if len(scales) > 1 else scales * channels
    expected = [
        [scaled_as_specified(value, *scale, zeros, twice) for value, scale in zip(row, each, strict=True)]
        for row in values
    ]
    if any(one is None for row in expected for one in row):
        event("refused")
        assert found is None
    else:
        assert found is not None
        assert found.tolist() == [[min(max(one, low), high) for one in row if one is not None] for row in expected]
