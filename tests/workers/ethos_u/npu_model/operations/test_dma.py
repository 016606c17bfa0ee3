"""Copies by index give the reference model's results, also where sets of inputs have other indices."""

from __future__ import annotations

import numpy as np
import pytest
from support.values.executed import compiled, verdict

from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import Graph
from velatune.testing.program import Program
from workers.checking.check_inputs import CheckInput
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model import Fault, execute

BATCH, ROWS, DEPTH, INDICES = 3, 10, 5, 6


def gathered(dtype: str) -> Graph:
    p = Program()
    return p.graph(p.gather(p.input(BATCH, ROWS, DEPTH, dtype=dtype), p.input(BATCH, INDICES, dtype="INT32")))


def scattered(dtype: str) -> Graph:
    p = Program()
    shape = (BATCH, ROWS, DEPTH)
    operands = p.input(*shape, dtype=dtype), p.input(BATCH, INDICES, dtype="INT32")
    return p.graph(p.op("SCATTER", (*operands, p.input(BATCH, INDICES, DEPTH, dtype=dtype)), shape))


def sets(graph: Graph, same_indices: bool) -> list[CheckInput]:
    random = np.random.default_rng(1)
    made: list[CheckInput] = []
    for _ in range(3):
        arrays = [
            random.integers(-128, 128, graph[i].type.shape).astype(NUMPY[graph[i].type.dtype]) for i in graph.inputs
        ]
        arrays[1] = np.stack([random.permutation(ROWS)[:INDICES] for _ in range(BATCH)]).astype(np.int32)
        if same_indices and made:
            arrays[1] = made[0].arrays[1]
        made.append(CheckInput("random", tuple(arrays)))
    return made


@pytest.mark.parametrize("same_indices", [False, True])
@pytest.mark.parametrize("dtype", ["INT8", "INT16", "INT32"])
def test_gather_and_scatter(dtype: str, same_indices: bool) -> None:
    for graph, end in ((gathered(dtype), "source"), (scattered(dtype), "destination")):
        program = compiled(graph, "ethos-u85-256")
        assert end in {one.dma.indexed for one in decode(program.command_stream).operations if one.dma is not None}
        assert verdict(graph, program, sets(graph, same_indices)) == Verdict(True)


def test_a_table_of_constants_is_read_where_each_set_says() -> None:
    """An embedding: what is gathered from is the same in all sets of inputs, the indices are not."""
    p = Program()
    table = np.random.default_rng(2).integers(-128, 128, (1, ROWS, DEPTH)).astype(np.int8)
    graph = p.graph(p.gather(p.data(table, "INT8"), p.input(1, INDICES, dtype="INT32")))
    program = compiled(graph, "ethos-u85-256")
    indices = [np.random.default_rng(at).integers(0, ROWS, (1, INDICES)).astype(np.int32) for at in range(3)]
    assert verdict(graph, program, [CheckInput("random", (one,)) for one in indices]) == Verdict(True)


@pytest.mark.parametrize("index", [-1, ROWS])
def test_an_index_that_is_out_of_range_is_a_fault(index: int) -> None:
    graph = gathered("INT8")
    inputs = [np.zeros((1, BATCH, ROWS, DEPTH), np.int8), np.full((1, BATCH, INDICES), index, np.int32)]
    with pytest.raises(Fault, match="an index of a copy is not from 0 to 9"):
        execute(compiled(graph, "ethos-u85-256"), inputs)
