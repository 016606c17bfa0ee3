"""Matrix products against the same as INT16 products of columns and sums on the convolution unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.attention import PRODUCTS

from search_space.choices.matmul.matmul_by_columns import MatmulByColumns
from search_space.ir.graph import Graph
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract, Program
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.npu_model import execute
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa


def product(
    batch: int, shape: Shape, zero_points: tuple[int, int] = (0, 0), dtype: str = "INT8", rescaled: bool = True
) -> Graph:
    """[batch, rows, inner] times [batch, inner, columns]."""
    rows, inner, columns = shape
    p = Program()
    operands = p.input(batch, rows, inner, dtype=dtype), p.input(batch, inner, columns, dtype=dtype)
    zeros = (p.data(zero, dtype) for zero in zero_points)
    sums = "INT32" if dtype == "INT8" else "INT48"
    result = p.op("MATMUL", (*operands, *zeros), (batch, rows, columns), sums)
    return p.graph(p.rescale(result, "INT8", 1 / 300) if rescaled else result)


@settings(max_examples=25)
@given(
    batch=st.integers(1, 3), rows=st.sampled_from([1, 2, 5, 6]), inner=st.integers(1, 5), columns=st.integers(2, 19),
    zero_points=st.tuples(st.integers(-128, 127), st.integers(-128, 127)), rescaled=st.booleans(), fused=st.booleans(),
)  # fmt: skip
def test_it_gives_the_same_products(
    batch: int, rows: int, inner: int, columns: int, zero_points: tuple[int, int], rescaled: bool, fused: bool
) -> None:
    graph = product(batch, (rows, inner, columns), zero_points, rescaled=rescaled)
    after = MatmulByColumns(fused=fused).apply(graph)
    assert [node.op for _, node in after.operators()].count("MUL") == columns
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize("zero_points", [(-128, 0), (0, 127), (53, -53), (-128, -128), (127, 127), (-128, 127)])
def test_products_of_extremes_fit(zero_points: tuple[int, int]) -> None:
    graph = product(1, (2, 1, 2), zero_points, rescaled=False)
    after = MatmulByColumns().apply(graph)
    extremes = [np.array([-128, 127], np.int8).reshape(shape) for shape in ((1, 2, 1), (1, 1, 2))]
    assert outputs(after, extremes) == outputs(graph, extremes)


@pytest.mark.parametrize(
    "graph",
    [product(1, (2, 3, 257)), product(1, (2, 3, 1)), product(1, (2, 3, 2), dtype="INT16", rescaled=False)],
    ids=["too many columns", "one column", "int16"],
)
def test_others_stay(graph: Graph) -> None:
    assert MatmulByColumns().apply(graph) is graph


def compiled(graph: Graph, accelerator: str = "ethos-u55-128") -> Compiled:
    return compile_tosa(write_tosa(graph), Target.parse(accelerator))


@pytest.mark.parametrize(
    ("accelerator", "fused"),
    [("ethos-u55-128", False), ("ethos-u55-128", True), ("ethos-u65-512", True), ("ethos-u85-256", False)],
)
@pytest.mark.parametrize("zero_points", [(3, -5), (-128, 11)], ids=["fits", "does not fit"])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_stream_gives_the_same_products(
    accelerator: str, fused: bool, zero_points: tuple[int, int], batch: int
) -> None:
    for columns in (2, 11):
        graph = product(batch, (6, 20, columns), zero_points)
        sets = input_sets(graph)
        program = compiled(MatmulByColumns(fused=fused).apply(graph), accelerator).npu_program
        (results,) = execute(program, [np.stack(arrays) for arrays in zip(*sets, strict=True)])
        for arrays, result in zip(sets, results, strict=True):
            ((_, _, expected),) = outputs(graph, arrays)
            assert result.tobytes() == expected


def test_convolutions_rescale_what_is_fused() -> None:
    graph = product(2, (16, 16, 32), (3, -5))
    rows = compiled(MatmulByColumns(fused=True).apply(graph)).operators
    assert {row.npu_op for row in rows if row.source_op != "Transpose"} == {"Mul", "Conv2D"}


def test_it_takes_no_more_memory_than_the_product() -> None:
    graph = product(16, (64, 64, 8), (3, -5))
    assert compiled(MatmulByColumns(fused=True).apply(graph)).sram_bytes <= compiled(graph).sram_bytes


class TestMatmulByColumns(PassContract):
    a_pass = MatmulByColumns()
    operators = PRODUCTS


class TestMatmulByColumnsFused(PassContract):
    a_pass = MatmulByColumns(fused=True)
    operators = PRODUCTS
