"""Well-formed programs have no problems; each ill-formed one gets the complaint that says what is wrong with it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from search_space.errors import SpaceError
from search_space.ir.graph import CONST, INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.verifier import problems, verify
from velatune.testing.random.graphs import graphs


def t(*shape: int, dtype: str = "INT8") -> TensorType:
    return TensorType(shape, dtype)


def graph_of(*nodes: Node) -> Graph:
    """Nodes under the ids 0, 1, ...; INPUT nodes are the inputs, the last one is the output."""
    inputs = tuple(i for i, node in enumerate(nodes) if node.op == INPUT)
    return Graph(dict(enumerate(nodes)), inputs, (len(nodes) - 1,), len(nodes))


def source(*shape: int, dtype: str = "INT8") -> Node:
    return Node(INPUT, (), t(*shape, dtype=dtype))


def single(dtype: str = "INT8", value: int = 0) -> Node:
    if dtype == "INT48":
        return Node(CONST, (), t(1, dtype=dtype), payload=bytes(6))
    return constant(np.full(1, value), dtype)


_NAN = {"nan_mode": "PROPAGATE"}
_CONV = {"pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False, "acc_type": "INT32"}
_RESCALE = {
    "scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
    "output_unsigned": False,
}  # fmt: skip


def conv(**changes: Any) -> Graph:
    """A well-formed 3x3 convolution of [1, 5, 5, 2] to 4 channels, but for what is changed."""
    node = Node(
        changes.get("op", "CONV2D"), changes.get("inputs", (0, 1, 2, 3, 4)), changes.get("type", t(1, 3, 3, 4,
            dtype="INT32")),
        {**_CONV, **changes.get("attributes", {})},
    )  # fmt: skip
    weights = constant(np.zeros(changes.get("weights", (4, 3, 3, 2))), "INT8")
    bias = changes.get("bias", constant(np.zeros(4), "INT32"))
    return graph_of(source(1, 5, 5, 2), weights, bias, changes.get("zero", single()), single(), node)


def rescale(**changes: Any) -> Graph:
    operands = {
        "multiplier": single("INT32"),
        "shift": single(),
        "zero_in": single("INT32"),
        "zero_out": single(),
        **changes,
    }
    node = Node(
        "RESCALE", (0, 1, 2, 3, 4), changes.get("type", t(2, 3)), {**_RESCALE, **changes.get("attributes", {})}
    )  # fmt: skip
    four = [operands[name] for name in ("multiplier", "shift", "zero_in", "zero_out")]
    return graph_of(source(2, 3, dtype="INT32"), *four, node)


def pool(op: str = "MAX_POOL2D", **attributes: Any) -> Graph:
    given_ = {"kernel": (2, 2), "stride": (1, 1), "pad": (0, 0, 0, 0), **_NAN, **attributes}
    return graph_of(source(1, 5, 5, 2), Node(op, (0,), t(1, 4, 4, 2), given_))


def one(op: str, result: TensorType, *operands: Node, **attributes: Any) -> Graph:
    return graph_of(*operands, Node(op, tuple(range(len(operands))), result, attributes))


def cyclic() -> Graph:
    tensor = t(2, dtype="INT32")
    return Graph(
        {0: source(2, dtype="INT32"), 1: Node("ADD", (0, 2), tensor), 2: Node("ADD", (1, 0), tensor)}, (0,), (2,), 3
    )  # fmt: skip


def lying_move(**changes: Any) -> Graph:
    node = move(0, t(2, 3), (Step("transpose", (1, 0)),))
    return graph_of(source(*changes.pop("shape", (2, 3)), dtype=changes.pop("dtype", "INT8")), replace(node, **changes))


def int48_move() -> Graph:
    made = conv(type=t(1, 3, 3, 4, dtype="INT48"), attributes={"acc_type": "INT48"})
    nodes = {**made.nodes, 0: source(1, 5, 5, 2, dtype="INT16"), 3: single("INT16")}
    nodes[2] = Node(CONST, (), t(1, dtype="INT48"), payload=bytes(6))
    nodes[6] = move(5, made[5].type, (Step("reshape", (9, 4)),))
    return Graph(nodes, (0,), (6,), 7)


#: Name -> (ill-formed graph, a part of the complaint).
ILL_FORMED: dict[str, tuple[Graph, str]] = {
    "unknown value": (graph_of(source(2), Node("ABS", (7,), t(2))), "value 7 is used but not computed"),
    "cycle": (cyclic(), "needs its own result"),
    "input that is none": (
        Graph({0: source(2), 1: Node("ABS", (0,), t(2))}, (0, 1), (1,), 2), "input 1 is not an INPUT node",
    ),
    "input not declared": (Graph({0: source(2), 1: source(2)}, (0,), (1,), 2), "not among the program's inputs"),
    "empty dimension": (graph_of(source(2, 0)), "dimension below 1"),
    "negative dimension": (graph_of(source(-2, -3)), "dimension below 1"),
    "short constant": (graph_of(Node(CONST, (), t(4, dtype="INT32"), payload=bytes(15))), "has 15 bytes"),
    "long constant": (graph_of(Node(CONST, (), t(4), payload=bytes(5))), "has 5 bytes"),
    "operator that is none": (one("FULLY_CONNECTED", t(2), source(2)), "not an operator"),
    "operator that is refused": (one("CUSTOM", t(2), source(2)), "not an operator"),
    "movement that is no MOVE": (one("TRANSPOSE", t(2, 2), source(2, 2), perms=(1, 0)), "not an operator"),
    "attribute missing": (one("CLAMP", t(2), source(2), min_val=b"\0", max_val=b"\1"), "has attributes"),
    "attribute too many": (one("ABS", t(2, dtype="INT32"), source(2, dtype="INT32"), axis=0), "has attributes"),
    "move of another shape": (lying_move(shape=(3, 2)), "its operand is int8[3,2]"),
    "move of another type": (lying_move(dtype="INT16"), "its operand is int16[2,3]"),
    "move to another shape": (lying_move(type=t(2, 3)), "gives (3, 2), says (2, 3)"),
    "move of two": (lying_move(inputs=(0, 0)), "2 operands, needs 1"),
    "move of INT48": (int48_move(), "no TRANSPOSE and RESHAPE of INT48"),
    "add of one": (one("ADD", t(2, dtype="INT32"), source(2, dtype="INT32")), "1 operands, needs 2"),
    "add of three": (
        one("ADD", t(2, dtype="INT32"), *(source(2, dtype="INT32") for _ in range(3))), "3 operands, needs 2",
    ),
    "add of two ranks": (
        one("ADD", t(2, 2, dtype="INT32"), source(2, 2, dtype="INT32"), source(2, dtype="INT32")), "different ranks",
    ),
    "add of two types": (
        one("ADD", t(2, dtype="INT32"), source(2, dtype="INT32"), source(2, dtype="INT16")), "different types",
    ),
    "add that does not broadcast": (
        one("ADD", t(2, 3, dtype="INT32"), source(2, 3, dtype="INT32"), source(2, 2, dtype="INT32")),
        "do not broadcast",
    ),
    "add to another shape": (
        one("ADD", t(2, 1, dtype="INT32"), source(2, 3, dtype="INT32"), source(2, 1, dtype="INT32")), "gives (2, 3)",
    ),
    "add to another type": (
        one("ADD", t(2, dtype="INT8"), source(2, dtype="INT32"), source(2, dtype="INT32")),
        "gives INT32 of INT32, says INT8",
    ),
    "comparison to numbers": (
        one("EQUAL", t(2, dtype="INT32"), source(2, dtype="INT32"), source(2, dtype="INT32")), "gives BOOL",
    ),
    "select by numbers": (one("SELECT", t(2), source(2), source(2), source(2)), "condition is int8[2]"),
    "select of two types": (
        one("SELECT", t(2), source(2, dtype="BOOL"), source(2), source(2, dtype="INT16")), "different types",
    ),
    "mul without shift": (one("MUL", t(2, dtype="INT32"), source(2), source(2)), "2 operands, needs 3"),
    "mul by two shifts": (
        one("MUL", t(2, dtype="INT32"), source(2), source(2), constant(np.zeros(2), "INT8")), "shift is int8[2]",
    ),
    "negate without zero points": (one("NEGATE", t(2), source(2)), "1 operands, needs 3"),
    "negate with a wrong zero point": (one("NEGATE", t(2), source(2), single("INT16"), single()),
        "operand 1 is int16[1]"),
    "table for another type": (
        one("TABLE", t(2), source(2), constant(np.zeros(513), "INT16")), "its table is int16[513] for INT8",
    ),
    "short table": (one("TABLE", t(2), source(2), constant(np.zeros(255), "INT8")), "its table is int8[255]"),
    "conv of few operands": (conv(inputs=(0, 1, 2)), "3 operands, needs 5"),
    "conv with other channels": (conv(weights=(4, 3, 3, 3)), "do not fit data"),
    "conv with weights of rank 3": (conv(weights=(4, 3, 3)), "do not fit data"),
    "conv to another shape": (conv(type=t(1, 5, 5, 4, dtype="INT32")), "gives (1, 3, 3, 4)"),
    "conv to another type": (conv(type=t(1, 3, 3, 4)), "gives INT32 of INT8, says INT8"),
    "conv whose stride ends inside": (conv(attributes={"pad": (0, 1, 0, 0), "stride": (2, 1)}), "do not fit together"),
    "conv with stride 0": (conv(attributes={"stride": (0, 1)}), "do not fit together"),
    "conv with short padding": (conv(attributes={"pad": (0, 0)}), "do not fit together"),
    "conv with negative padding": (conv(attributes={"pad": (-1, 1, 0, 0)}), "do not fit together"),
    "conv with a bias too short": (conv(bias=constant(np.zeros(3), "INT32")), "its bias is int32[3]"),
    "conv with an int8 bias": (conv(bias=constant(np.zeros(4), "INT8")), "its bias is int8[4]"),
    "conv with a zero point per channel": (conv(zero=constant(np.zeros(2), "INT8")), "operand 3 is int8[2]"),
    "depthwise with other channels": (conv(op="DEPTHWISE_CONV2D", weights=(3, 3, 4, 2)), "do not fit data"),
    "depthwise to another shape": (conv(op="DEPTHWISE_CONV2D", weights=(3, 3, 2, 1)), "gives (1, 3, 3, 2)"),
    "transposed conv to another shape": (
        one(
            "TRANSPOSE_CONV2D", t(1, 5, 5, 4, dtype="INT32"), source(1, 3, 3, 2), constant(np.zeros((4, 3, 3,
                2)), "INT8"),
            single("INT32"), single(), single(), out_pad=(0, 0, 0, 0), stride=(2, 2), local_bound=False,
            acc_type="INT32",
        ),
        "gives (1, 7, 7, 4)",
    ),
    "pool to another shape": (pool(kernel=(3, 3)), "gives (1, 3, 3, 2)"),
    "pool beyond the data": (pool(kernel=(9, 9)), "says (1, 4, 4, 2)"),
    "average pool without zero points": (
        one("AVG_POOL2D", t(1, 4, 4, 2), source(1, 5, 5, 2), kernel=(2, 2), stride=(1, 1), pad=(0,) * 4,
            acc_type="INT32"),
        "1 operands, needs 3",
    ),
    "matmul of other depths": (
        one("MATMUL", t(1, 2, 4, dtype="INT32"), source(1, 2, 3), source(1, 2, 4), single(), single()),
        "does not multiply",
    ),
    "matmul of rank 2": (
        one("MATMUL", t(2, 4, dtype="INT32"), source(2, 3), source(3, 4), single(), single()), "do not fit together",
    ),
    "reduction beyond the rank": (one("REDUCE_MAX", t(2, 1), source(2, 3), axis=2, **_NAN), "axis 2 is outside"),
    "reduction of a negative axis": (one("REDUCE_MAX", t(2, 1), source(2, 3), axis=-1, **_NAN), "axis -1 is outside"),
    "reduction that drops the axis": (one("REDUCE_MAX", t(2), source(2, 3), axis=1, **_NAN), "gives (2, 1)"),
    "argmax to bytes": (one("ARGMAX", t(2), source(2, 3), axis=1, **_NAN), "gives INT32 of INT8"),
    "argmax that keeps the axis": (one("ARGMAX", t(2, 1, dtype="INT32"), source(2, 3), axis=1, **_NAN), "gives (2,)"),
    "concat of nothing": (one("CONCAT", t(2), axis=0), "0 operands, needs at least 1"),
    "concat of other shapes": (one("CONCAT", t(4, 3), source(2, 3), source(2, 2), axis=0), "differ beyond axis 0"),
    "concat of other types": (one("CONCAT", t(4), source(2), source(2, dtype="INT16"), axis=0), "differ beyond axis 0"),
    "concat to another shape": (one("CONCAT", t(5), source(2), source(2), axis=0), "gives (4,)"),
    "pad of few dimensions": (one("PAD", t(3, 3), source(2, 3), single(), padding=(1, 0)), "do not fit together"),
    "pad to another shape": (one("PAD", t(2, 3), source(2, 3), single(), padding=(1, 0, 0, 0)), "gives (3, 3)"),
    "pad of another type": (one("PAD", t(3), source(2), single("INT16"), padding=(1, 0)), "operand 1 is int16[1]"),
    "slice beyond the end": (one("SLICE", t(2), source(3), start=(2,), size=(2,)), "outside (3,)"),
    "slice from before": (one("SLICE", t(2), source(3), start=(-1,), size=(2,)), "outside (3,)"),
    "slice to another shape": (one("SLICE", t(3), source(3), start=(1,), size=(2,)), "gives (2,)"),
    "tile of few dimensions": (one("TILE", t(4, 3), source(2, 3), multiples=(2,)), "do not fit together"),
    "tile to another shape": (one("TILE", t(2, 3), source(2, 3), multiples=(2, 1)), "gives (4, 3)"),
    "reverse beyond the rank": (one("REVERSE", t(2), source(2), axis=1), "axis 1 is outside"),
    "gather by bytes": (one("GATHER", t(1, 2, 3), source(1, 4, 3), source(1, 2)), "indices int8[1,2]"),
    "gather of other batches": (
        one("GATHER", t(1, 2, 3), source(1, 4, 3), source(2, 2, dtype="INT32")), "indices int32[2,2]",
    ),
    "scatter to another shape": (
        one("SCATTER", t(1, 2, 3), source(1, 4, 3), source(1, 2, dtype="INT32"), source(1, 2, 3)), "gives (1, 4, 3)",
    ),
    "resize to another shape": (
        one("RESIZE", t(1, 4, 4, 1), source(1, 2, 2, 1), mode="NEAREST", scale=(4, 2, 4, 2), offset=(0, 0),
            border=(0, 0)),
        "gives (1, 3, 3, 1)",
    ),
    "an interpolating resize without accumulators": (
        one("RESIZE", t(1, 4, 4, 1), source(1, 2, 2, 1), mode="BILINEAR", scale=(4, 2, 4, 2), offset=(-1, -1),
            border=(1, 1)),
        "gives INT32 of INT8",
    ),
    "rescale by the channel": (rescale(attributes={"per_channel": True}), "1] multipliers"),
    "rescale by two": (rescale(multiplier=constant(np.zeros(2), "INT32")), "int32[2] multipliers"),
    "rescale by small multipliers": (rescale(multiplier=single("INT16")), "int16[1] multipliers"),
    "rescale by long shifts": (rescale(shift=single("INT32")), "int32[1] shifts"),
    "rescale to another shape": (rescale(type=t(3, 2)), "gives (2, 3)"),
    "rescale with a wrong zero point": (rescale(zero_in=single()), "operand 3 is int8[1]"),
    "cast to another shape": (one("CAST", t(3, 2, dtype="INT16"), source(2, 3)), "gives (2, 3)"),
}  # fmt: skip


@given(graphs())
def test_random_programs_are_well_formed(graph: Graph) -> None:
    assert problems(graph) == []
    assert verify(graph) is graph


@pytest.mark.parametrize("graph", [conv(), rescale(), pool()], ids=["conv", "rescale", "pool"])
def test_what_the_ill_formed_ones_are_made_of_is_well_formed(graph: Graph) -> None:
    assert problems(graph) == []


@pytest.mark.parametrize(
    "graph",
    [
        one(
            "TRANSPOSE_CONV2D", t(1, 7, 7, 4, dtype="INT32"), source(1, 3, 3, 2), constant(np.zeros((4, 3, 3,
                2)), "INT8"),
            single("INT32"), single(), single(), out_pad=(0, 0, 0, 0), stride=(2, 2), local_bound=False,
            acc_type="INT32",
        ),
        one(
            "RESIZE", t(1, 4, 4, 1), source(1, 2, 2, 1), mode="NEAREST", scale=(4, 2, 4, 2), offset=(-1, -1),
            border=(1, 1),
        ),
        one(
            "RESIZE", t(1, 4, 4, 1, dtype="INT32"), source(1, 2, 2, 1), mode="BILINEAR", scale=(4, 2, 4, 2),
            offset=(-1, -1), border=(1, 1),
        ),
        one("SCATTER", t(1, 4, 3), source(1, 4, 3), source(1, 2, dtype="INT32"), source(1, 2, 3)),
        one("GATHER", t(1, 2, 3), source(1, 4, 3), source(1, 2, dtype="INT32")),
    ],
    ids=lambda graph: graph[graph.outputs[0]].op,
)  # fmt: skip
def test_operators_that_the_random_programs_lack(graph: Graph) -> None:
    assert problems(graph) == []


@pytest.mark.parametrize("case", ILL_FORMED)
def test_each_ill_formed_program_is_reported_what_is_wrong(case: str) -> None:
    graph, said = ILL_FORMED[case]
    found = problems(graph)
    assert any(said in line for line in found), found
    assert all("\n" not in line for line in found)
    with pytest.raises(SpaceError, match="ill-formed graph"):
        verify(graph)


def test_the_complaint_names_the_operator() -> None:
    named = one("ADD", t(2, dtype="INT32"), source(2, dtype="INT32"))
    (line,) = problems(Graph({**named.nodes, 1: replace(named[1], name="residual")}, (0,), (1,), 2))
    assert line.startswith("ADD residual: ")
    (line,) = problems(named)
    assert line.startswith("ADD value 1: ")


def test_an_operator_is_looked_at_again_when_its_operands_are_others() -> None:
    good = one("REVERSE", t(1, 4), source(1, 4), axis=1)
    assert problems(good) == []
    (line,) = problems(Graph({**good.nodes, 0: source(1, 5)}, (0,), (1,), 2))
    assert "REVERSE" in line
    assert problems(good) == []


def test_many_problems_are_counted() -> None:
    broken = [source(2), *(Node("REVERSE", (i,), t(2 + i + 1), {"axis": 0}) for i in range(5))]
    with pytest.raises(SpaceError, match=r"\(and 2 more\)"):
        verify(graph_of(*broken))
