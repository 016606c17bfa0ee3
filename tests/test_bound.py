"""What no lowering can go below, and that nothing does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lowered import Lowered
from test_evaluator import evaluator

from search_space.graph import INPUT, Graph, Node, TensorType, constant
from search_space.layout_map import Shape
from workers.bound import bound
from workers.target import Target


def layer(op: str, data: Shape, weights: Shape, result: Shape) -> Graph:
    """One operator with weights on one input."""
    inputs = (0, 1) if op == "MATMUL" else (0, 1, 2)
    nodes = {
        0: Node(INPUT, (), TensorType(data, "INT8")),
        1: constant(np.zeros(weights, np.int8)),
        2: constant(np.zeros(1, np.int32)),
        3: Node(op, inputs, TensorType(result, "INT32"), {}),
    }
    return Graph(nodes, (0,), (3,), 4)


@pytest.mark.parametrize(
    ("graph", "macs"),
    [
        (layer("CONV2D", (1, 8, 8, 3), (16, 3, 3, 3), (1, 6, 6, 16)), 6 * 6 * 16 * 3 * 3 * 3),
        (layer("DEPTHWISE_CONV2D", (1, 8, 8, 3), (3, 3, 3, 2), (1, 6, 6, 6)), 6 * 6 * 6 * 3 * 3),
        (layer("TRANSPOSE_CONV2D", (1, 4, 4, 3), (5, 2, 2, 3), (1, 8, 8, 5)), 4 * 4 * 3 * 5 * 2 * 2),
        (layer("MATMUL", (2, 7, 5), (2, 5, 3), (2, 7, 3)), 2 * 7 * 5 * 3),
    ],
    ids=lambda one: "" if isinstance(one, int) else one[3].op,
)
def test_multiplications(graph: Graph, macs: int) -> None:
    found = bound([graph], Target.parse("ethos-u55-128"))
    assert found.macs == macs
    assert (found.mac_cycles - 1) * 128 < macs <= found.mac_cycles * 128
    assert found.moved_bytes == graph[0].type.elements + 4 * graph[3].type.elements
    assert found.constant_bytes_per_cycle == 1, "0.5 GB/s at 500 MHz"
    twice = bound([graph, graph], Target.parse("ethos-u65-512"))
    assert (twice.macs, twice.moved_bytes) == (2 * found.macs, 2 * found.moved_bytes)
    assert (twice.mac_cycles - 1) * 512 < 2 * macs <= twice.mac_cycles * 512


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_a_program_costs_more(stock: Callable[[str], Lowered], accelerator: str, tmp_path: Path) -> None:
    one = evaluator(stock(accelerator).tosa, accelerator, tmp_path)
    least = one.bound()
    cost = one.evaluate("default").cost
    assert cost is not None
    for cycles in (cost.stream_cycles, cost.vela_cycles):
        assert cycles > max(least.mac_cycles, least.move_cycles) > 0
