"""One movement or one convolution as a program, and what has to hold of it after a pass."""

from math import prod

import numpy as np

from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from velatune.testing.reference_values import input_sets, outputs

TARGETS = ("ethos-u55-128", "ethos-u85-256")


def moved(shape: Shape, *steps: Step, dtype: str = "INT8") -> Graph:
    tensor = TensorType(shape, dtype)
    return Graph({0: Node(INPUT, (), tensor), 1: move(0, tensor, steps)}, (0,), (1,), 2)


def layer(
    op: str, data: Shape, weights: Shape, result: Shape, per_channel: bool = True, wide_bias: bool = True,
    zero_point: int = 3, data_type: str = "INT8", **attributes: Shape
) -> Graph:  # fmt: skip
    """A convolution with random weights, and its RESCALE to int8."""
    random = np.random.default_rng(prod(weights))
    channels, accumulator = result[3], "INT32" if data_type == "INT8" else "INT48"
    count, bias = channels if per_channel else 1, channels if wide_bias else 1
    bias_node = constant(random.integers(-999, 999, bias).astype(np.int32))
    if accumulator == "INT48":
        bias_node = Node("CONST", (), TensorType((bias,), "INT48"), payload=bytes(6 * bias))
    zero = zero_point if data_type == "INT8" else 0
    nodes = {
        0: Node(INPUT, (), TensorType(data, data_type)),
        1: constant(random.integers(-127, 128, weights).astype(np.int8)),
        2: bias_node,
        3: constant(np.array([zero], np.int8 if data_type == "INT8" else np.int16)),
        4: constant(np.zeros(1, np.int8)),
        5: Node(
            op, (0, 1, 2, 3, 4), TensorType(result, accumulator),
            {**attributes, "local_bound": False, "acc_type": accumulator},
        ),
        6: constant(random.integers(1 << 14, 1 << 15, count).astype(np.int16)),
        7: constant(random.integers(23, 25, count).astype(np.int8)),
        8: Node("CONST", (), TensorType((1,), accumulator), payload=bytes(6)) if accumulator == "INT48"
        else constant(np.zeros(1, np.int32)),
        9: constant(np.array([-4], np.int8)),
        10: Node(
            "RESCALE", (5, 6, 7, 8, 9), TensorType(result, "INT8"),
            {"scale32": False, "rounding_mode": "SINGLE_ROUND", "per_channel": per_channel, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    return Graph(nodes, (0,), (10,), 11)


def convolution(
    data: Shape, kernel: Shape, channels: int, stride: Shape = (1, 1), pad: Shape = (0, 0, 0, 0),
    dilation: Shape = (1, 1), depthwise: bool = False, data_type: str = "INT8",
) -> Graph:  # fmt: skip
    reach = reach_of(data, kernel, pad, dilation)
    result = (data[0], *(one // step + 1 for one, step in zip(reach, stride, strict=True)), channels)
    weights = (*kernel, data[3], channels // data[3]) if depthwise else (channels, *kernel, data[3])
    return layer(
        "DEPTHWISE_CONV2D" if depthwise else "CONV2D", data, weights, result, data_type=data_type,
        pad=pad, stride=stride, dilation=dilation,
    )  # fmt: skip


def reach_of(data: Shape, kernel: Shape, pad: Shape, dilation: Shape = (1, 1)) -> list[int]:
    """How far a kernel can go along height and width."""
    return [data[at + 1] + pad[2 * at] + pad[2 * at + 1] - 1 - (kernel[at] - 1) * dilation[at] for at in (0, 1)]


def operators(graph: Graph) -> list[str]:
    return [node.op for _, node in graph.operators() if node.op != "MOVE"]


def changed(graph: Graph, one: Pass) -> Graph:
    """The graph after the pass, which gives the same results."""
    after = one.apply(graph)
    assert after is not graph
    assert problems(after) == []
    assert one.apply(after) is after
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)
    return after
