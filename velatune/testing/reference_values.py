"""Values of programs by the TOSA reference model."""

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import CONST, Graph
from search_space.ir.subgraph import slice_graph
from workers.checking.check_inputs import check_inputs
from workers.checking.reference import ARRAY_TYPES, run_reference

Arrays = Sequence[np.ndarray]


def input_sets(graph: Graph, seed: int = 0) -> list[tuple[np.ndarray, ...]]:
    """Random and extreme inputs.

    Args:
        graph: the program.
        seed: of the random ones.

    Returns:
        Sets of inputs, one array for each input of the program.
    """
    return [one.arrays for one in check_inputs(graph, (), seed)]


def outputs(graph: Graph, arrays: Arrays) -> list[tuple[tuple[int, ...], str, bytes]]:
    """The outputs of a program.

    Args:
        graph: the program.
        arrays: its inputs.

    Returns:
        Shape, element type and bytes of each output.
    """
    return [_exact(a) for a in run_reference(graph, arrays)]


def all_values(graph: Graph, arrays: Arrays) -> dict[int, tuple[tuple[int, ...], str, bytes]]:
    """All values that the reference model can return, computed ones and inputs.

    Args:
        graph: the program.
        arrays: its inputs.

    Returns:
        id -> shape, element type and bytes.
    """
    ids = [i for i in graph.order if graph[i].op != CONST and graph[i].type.dtype in ARRAY_TYPES]
    part = slice_graph(graph, (), ids)
    given = dict(zip(graph.inputs, arrays, strict=True))
    return dict(zip(ids, map(_exact, run_reference(part, [given[i] for i in part.inputs])), strict=True))


def _exact(array: np.ndarray) -> tuple[tuple[int, ...], str, bytes]:
    return array.shape, array.dtype.name, array.tobytes()
