"""What the values of a program are, by the reference model."""

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import CONST, Graph
from search_space.ir.subgraph import slice_graph
from workers.checking.check_inputs import check_inputs
from workers.checking.reference import ARRAY_TYPES, run_reference

Arrays = Sequence[np.ndarray]


def input_sets(graph: Graph, seed: int = 0) -> list[tuple[np.ndarray, ...]]:
    """Random and extreme inputs."""
    return [one.arrays for one in check_inputs(graph, (), seed)]


def outputs(graph: Graph, arrays: Arrays) -> list[tuple[tuple[int, ...], str, bytes]]:
    """Shape, element type and bytes of every output."""
    return [_exact(a) for a in run_reference(graph, arrays)]


def all_values(graph: Graph, arrays: Arrays) -> dict[int, tuple[tuple[int, ...], str, bytes]]:
    """Every value that the reference model can give out, computed ones and inputs."""
    ids = [i for i in graph.order if graph[i].op != CONST and graph[i].type.dtype in ARRAY_TYPES]
    part = slice_graph(graph, (), ids)
    given = dict(zip(graph.inputs, arrays, strict=True))
    return dict(zip(ids, map(_exact, run_reference(part, [given[i] for i in part.inputs])), strict=True))


def _exact(array: np.ndarray) -> tuple[tuple[int, ...], str, bytes]:
    return array.shape, array.dtype.name, array.tobytes()
