"""What the stream of a TOSA program must write and read, in whichever operations Vela expresses its operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from search_space.ir.graph import CONST, INPUT, Graph
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.static_checks.demanded import Demand, demanded
from workers.ethos_u.npu_model.static_checks.padding import Window, windows

if TYPE_CHECKING:
    from workers.ethos_u.command_stream.operator_cost import OperatorCost

# How Vela stores an element. It widens sums of 48 bits to 64 and reads packed weights only.
_STORED_BYTES = {"BOOL": 1, "INT4": 1, "INT8": 1, "INT16": 2, "INT32": 4, "INT48": 8, "INT64": 8}


@dataclass(frozen=True)
class ExpectedTensor:
    """A value of the program that operations must write.

    Attributes:
        name: of the tensor.
        length_bytes: its size in memory.
        demanded_bytes: how many of them the outputs depend on.
    """

    name: str
    length_bytes: int
    demanded_bytes: int


@dataclass(frozen=True, eq=False)
class ExpectedAccesses:
    """What the operations of a program's stream must write and read.

    Attributes:
        rows: Vela's rows of the same compilation.
        tensors: name of the tensor that a row writes -> the program's value that it is; others are Vela's.
        inputs: of each used input: the bytes that the outputs depend on, as spans from its first byte.
        dead_elements, dead_bytes: the most elements and bytes of a value or input without effect on the outputs.
        windows: position of a convolution in the program's file -> its window.
    """

    rows: Sequence[OperatorCost]
    tensors: Mapping[str, ExpectedTensor]
    inputs: tuple[np.ndarray, ...]
    dead_elements: int
    dead_bytes: int
    windows: Mapping[int, Window]


def expected_accesses(graph: Graph, rows: Sequence[OperatorCost]) -> ExpectedAccesses:
    """What a stream has to read and write of a program, as `search_space.tosa_file.writer` writes it.

    Args:
        graph: the program.
        rows: `workers.ethos_u.vela.compiler.Compiled.operators` of the compilation of `write_tosa(graph)` whose stream
            is to be checked. A file with other tensor names or another order of operators has other rows, even for
            equal graphs.

    Returns:
        Bytes of each tensor that outputs depend on, and windows of its convolutions.
    """
    demand = demanded(graph)
    tensors, dead_elements, dead_bytes = {}, 0, 0
    for at, node_id in enumerate(graph.order):
        node = graph[node_id]
        if node.op == CONST:
            continue
        mask, elements, size = demand[node_id], node.type.elements, _STORED_BYTES[node.type.dtype]
        count = elements * mask if isinstance(mask, bool) else int(mask.sum())
        dead_elements, dead_bytes = max(dead_elements, elements - count), max(dead_bytes, size * (elements - count))
        if node.op != INPUT:
            tensors[f"t{at}"] = ExpectedTensor(f"t{at}", size * elements, size * count)
    read = {source for node in graph.nodes.values() for source in node.inputs} | set(graph.outputs)
    used = [node_id for node_id in graph.inputs if node_id in read]
    inputs = tuple(_spans(graph, node_id, demand[node_id]) for node_id in used)
    return ExpectedAccesses(tuple(rows), tensors, inputs, dead_elements, dead_bytes, windows(graph))


def _spans(graph: Graph, node_id: int, demand: Demand) -> np.ndarray:
    tensor = graph[node_id].type
    size = _STORED_BYTES[tensor.dtype]
    if isinstance(demand, bool):
        return np.array([[0, size * tensor.elements]]) if demand else spans.NOTHING
    return spans.rows(size * np.flatnonzero(demand), (), size) if demand.any() else spans.NOTHING
