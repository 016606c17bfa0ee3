"""Sums over pixels, as ExecuTorch lowers a mean."""

import numpy as np

from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.layout_map import Shape


def summed(shape: Shape, axes: list[int], zero_point: int, multiplier: int = 1 << 30, dtype: str = "INT8") -> Graph:
    """RESCALE to int32, then a REDUCE_SUM for each axis."""
    nodes = {
        0: Node(INPUT, (), TensorType(shape, dtype)),
        1: constant(np.array([multiplier], np.int32)),
        2: constant(np.array([30], np.int8)),
        3: constant(np.array([zero_point], np.int8 if dtype == "INT8" else np.int16)),
        4: constant(np.array([0], np.int32)),
        5: Node(
            "RESCALE", (0, 1, 2, 3, 4), TensorType(shape, "INT32"),
            {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    for axis in axes:
        shape = (*shape[:axis], 1, *shape[axis + 1 :])
        last = len(nodes)
        nodes[last] = Node("REDUCE_SUM", (last - 1,), TensorType(shape, "INT32"), {"axis": axis})
    return Graph(nodes, (0,), (len(nodes) - 1,), len(nodes))


def rescaled(graph: Graph) -> Graph:
    """The same with its result scaled to int8, as a mean is."""
    nodes, last = dict(graph.nodes), graph.outputs[0]
    at = graph.next_id
    for number, one in enumerate((np.array([1518500250], np.int32), np.array([38], np.int8), np.array([0], np.int32))):
        nodes[at + number] = constant(one)
    nodes[at + 3] = constant(np.array([3], np.int8))
    nodes[at + 4] = Node(
        "RESCALE", (last, at, at + 1, at + 2, at + 3), TensorType(graph[last].type.shape, "INT8"),
        graph[5].attributes,
    )  # fmt: skip
    return Graph(nodes, graph.inputs, (at + 4,), at + 5)
