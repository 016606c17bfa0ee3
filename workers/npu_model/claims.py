"""What the stream of a TOSA program must write and read, whatever Vela makes of its operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from search_space.graph import CONST, INPUT, Graph
from workers.npu_model import spans
from workers.npu_model.need import Need, needed
from workers.npu_model.padding import Window, windows

if TYPE_CHECKING:
    from workers.vela import OperatorCost

# How Vela stores an element. It widens sums of 48 bits to 64 and reads packed weights only.
_STORED_BYTES = {"BOOL": 1, "INT4": 1, "INT8": 1, "INT16": 2, "INT32": 4, "INT48": 8, "INT64": 8}


@dataclass(frozen=True)
class Value:
    """A value of the program that operations write.

    Attributes:
        name: of the tensor.
        length_bytes: its size in memory.
        needed_bytes: how many of them the outputs depend on.
    """

    name: str
    length_bytes: int
    needed_bytes: int


@dataclass(frozen=True, eq=False)
class Claims:
    """What must hold for the stream of a program.

    Attributes:
        rows: Vela's rows of the same compilation.
        values: name of the tensor that a row writes -> the value of the program that it is; others are Vela's own.
        inputs: of each input that is used: the bytes that the outputs depend on, as spans from its first byte.
        spare_elements: the most elements of a value or input that the outputs do not depend on.
        windows: position of a convolution in the program's file -> its window.
    """

    rows: Sequence[OperatorCost]
    values: Mapping[str, Value]
    inputs: tuple[np.ndarray, ...]
    spare_elements: int
    windows: Mapping[int, Window]


def claims(graph: Graph, rows: Sequence[OperatorCost]) -> Claims:
    """The claims of a program that `search_space.write_tosa` wrote.

    Args:
        rows: `workers.vela.Compiled.operators` of the compilation whose stream is to be checked.
    """
    need = needed(graph)
    values, spare = {}, 0
    for at, node_id in enumerate(graph.order):
        node = graph[node_id]
        if node.op == CONST:
            continue
        mask, elements, size = need[node_id], node.type.elements, _STORED_BYTES[node.type.dtype]
        count = elements * mask if isinstance(mask, bool) else int(mask.sum())
        spare = max(spare, elements - count)
        if node.op != INPUT:
            values[f"t{at}"] = Value(f"t{at}", size * elements, size * count)
    read = {source for node in graph.nodes.values() for source in node.inputs} | set(graph.outputs)
    used = [node_id for node_id in graph.inputs if node_id in read]
    inputs = tuple(_spans(graph, node_id, need[node_id]) for node_id in used)
    return Claims(tuple(rows), values, inputs, spare, windows(graph))


def _spans(graph: Graph, node_id: int, need: Need) -> np.ndarray:
    tensor = graph[node_id].type
    size = _STORED_BYTES[tensor.dtype]
    if isinstance(need, bool):
        return np.array([[0, size * tensor.elements]]) if need else spans.NOTHING
    return spans.rows(size * np.flatnonzero(need), (), size) if need.any() else spans.NOTHING
