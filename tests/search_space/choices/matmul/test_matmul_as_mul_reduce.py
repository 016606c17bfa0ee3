"""Matrix products against the same as INT16 products of rows and sums on the convolution unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.attention import PRODUCTS

from search_space.choices.matmul.matmul_as_mul_reduce import MatmulAsMulReduce
from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def product(heads: int, shape: Shape, zero_points: tuple[int, int], dtype: str = "INT8") -> Graph:
    """[heads, rows, inner] times [heads, inner, columns]."""
    rows, inner, columns = shape
    numpy_type = np.int8 if dtype == "INT8" else np.int16
    nodes = {
        0: Node(INPUT, (), TensorType((heads, rows, inner), dtype)),
        1: Node(INPUT, (), TensorType((heads, inner, columns), dtype)),
        2: constant(np.array(zero_points[:1], numpy_type)),
        3: constant(np.array(zero_points[1:], numpy_type)),
        4: Node(
            "MATMUL", (0, 1, 2, 3), TensorType((heads, rows, columns), "INT32" if dtype == "INT8" else "INT48")
        ),
    }  # fmt: skip
    return Graph(nodes, (0, 1), (4,), len(nodes))


@settings(max_examples=25)
@given(
    heads=st.integers(1, 3), rows=st.sampled_from([1, 2, 5, 17, 33]), inner=st.integers(1, 5),
    columns=st.integers(1, 5), zero_points=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
    low_memory=st.booleans(),
)  # fmt: skip
def test_it_gives_the_same_products(
    heads: int, rows: int, inner: int, columns: int, zero_points: tuple[int, int], low_memory: bool
) -> None:
    graph = product(heads, (rows, inner, columns), zero_points)
    after = MatmulAsMulReduce(low_memory).apply(graph)
    assert [node.op for _, node in after.operators()].count("MUL") == rows
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize("zero_points", [(-128, 0), (0, 127), (53, -53), (-128, -128), (127, 127), (-128, 127)])
def test_products_of_extremes_fit(zero_points: tuple[int, int]) -> None:
    graph = product(1, (2, 1, 2), zero_points)
    after = MatmulAsMulReduce().apply(graph)
    extremes = [np.array([-128, 127], np.int8).reshape(shape) for shape in ((1, 2, 1), (1, 1, 2))]
    assert outputs(after, extremes) == outputs(graph, extremes)


@pytest.mark.parametrize(
    "graph",
    [
        product(1, (257, 3, 2), (0, 0)),
        product(3, (200, 100, 20), (0, 0)),
        product(1, (2, 3, 2), (0, 0), "INT16"),
    ],
    ids=["too many rows", "too large", "int16"],
)
def test_others_stay(graph: Graph) -> None:
    assert MatmulAsMulReduce().apply(graph) is graph


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_takes_it(accelerator: str) -> None:
    after = MatmulAsMulReduce().apply(product(3, (18, 20, 7), (1, 2)))
    assert compile_tosa(write_tosa(after), Target.parse(accelerator)).npu_ops


def test_row_by_row_takes_less_memory() -> None:
    graph, target = product(3, (18, 32, 16), (1, 2)), Target.parse("ethos-u55-128")
    all_at_once, spared = (
        compile_tosa(write_tosa(one.apply(graph)), target).sram_bytes
        for one in (MatmulAsMulReduce(), MatmulAsMulReduce(low_memory=True))
    )
    assert spared < all_at_once / 2


class TestMatmulAsMulReduce(PassContract):
    a_pass = MatmulAsMulReduce()
    operators = PRODUCTS


class TestMatmulAsMulReduceLowMemory(PassContract):
    a_pass = MatmulAsMulReduce(low_memory=True)
    operators = PRODUCTS
