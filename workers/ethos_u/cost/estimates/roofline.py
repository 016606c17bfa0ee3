"""A lower bound of cycles for every lowering of a program.

It assumes multiplications at full use of the NPU, and data at full bandwidth.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, prod

from search_space.ir.dtypes import payload_bytes
from search_space.ir.graph import Graph, Node
from workers.backend.bound import Bound
from workers.ethos_u.cost.estimates.needed_elements import needed_elements, used_taps, window_of
from workers.ethos_u.cost.stream_cost.hardware.board import ARENA
from workers.ethos_u.cost.stream_cost.hardware.npu import npu_of
from workers.ethos_u.target import Target


def bound(program: Iterable[Graph], target: Target) -> Bound:
    """The roofline of the default lowering. Weights are left out: Vela compresses them.

    Source: the roofline model of Williams, Waterman and Patterson (2009).

    Args:
        program: its graphs, one for each delegate.
        target: the accelerator and its memories.

    Returns:
        Cycles that the multiplications and the moved bytes take at least.
    """
    graphs = list(program)
    npu = npu_of(target)
    macs = sum(_macs(graph, node) for graph in graphs for _, node in graph.operators())
    moved = sum(map(_moved_bytes, graphs))
    return Bound(
        macs, ceil(macs / (npu.macs * _multiplying_cores(npu.family, npu.cores))), moved,
        ceil(moved / npu.memory(ARENA).bytes_per_cycle), npu.command_memory.bytes_per_cycle,
    )  # fmt: skip


def _multiplying_cores(family: str, cores: int) -> int:
    """U85 counts the multipliers of all its cores."""
    return 1 if family == "ethos-u85" else cores


def _moved_bytes(graph: Graph) -> int:
    needed = needed_elements(graph)
    read = sum(payload_bytes(graph[i].type.dtype, needed.get(i, 0)) for i in graph.inputs)
    return read + sum(payload_bytes(graph[i].type.dtype, graph[i].type.elements) for i in graph.outputs)


def _macs(graph: Graph, node: Node) -> int:
    """Source: TOSA 1.0, the operators' loops. Weights [OC,KH,KW,IC], depthwise [KH,KW,C,M]."""
    result = node.type.elements
    if node.op in ("CONV2D", "CONV3D", "DEPTHWISE_CONV2D"):
        data, weights = (graph[one].type.shape for one in node.inputs[:2])
        taps = used_taps(node, window_of(node, weights), data[1:-1])
        return result * taps * (1 if node.op == "DEPTHWISE_CONV2D" else weights[-1])
    if node.op == "TRANSPOSE_CONV2D":
        out, *kernel, _ = graph[node.inputs[1]].type.shape
        return graph[node.inputs[0]].type.elements * out * prod(kernel)
    if node.op == "MATMUL":
        return result * graph[node.inputs[0]].type.shape[2]
    return 0
