"""Matrix products with a constant against convolutions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.attention import CONSTANT_PRODUCTS

from search_space.choices.matmul.matmul_as_conv import MatmulAsConv
from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import input_sets, outputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def product(shape: Shape, fixed: int | None, zero_points: tuple[int, int], heads: int = 1) -> Graph:
    """[heads, rows, inner] times [heads, inner, columns], one of them (0 or 1) a constant; RESCALE to INT8."""
    rows, inner, columns = shape
    random = np.random.default_rng(rows + inner + columns)
    shapes = (heads, rows, inner), (heads, inner, columns)
    nodes = {at: Node(INPUT, (), TensorType(one, "INT8")) for at, one in enumerate(shapes)}
    if fixed is not None:
        nodes[fixed] = constant(random.integers(-128, 128, shapes[fixed], np.int8))
    result = (heads, rows, columns)
    nodes |= {
        2: constant(np.array(zero_points[:1], np.int8)),
        3: constant(np.array(zero_points[1:], np.int8)),
        4: Node("MATMUL", (0, 1, 2, 3), TensorType(result, "INT32")),
        5: constant(random.integers(1 << 30, (1 << 31) - 1, columns, np.int32)),
        6: constant(random.integers(38, 40, columns).astype(np.int8)),
        7: constant(np.array([0], np.int32)),
        8: constant(np.array([-3], np.int8)),
        9: Node(
            "RESCALE", (4, 5, 6, 7, 8), TensorType(result, "INT8"),
            {"scale32": True, "rounding_mode": "SINGLE_ROUND", "per_channel": True, "input_unsigned": False,
             "output_unsigned": False},
        ),
    }  # fmt: skip
    return Graph(nodes, tuple(at for at in (0, 1) if at != fixed), (9,), len(nodes))


@settings(max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 5)] * 3), fixed=st.sampled_from([0, 1]),
    zero_points=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
)  # fmt: skip
def test_it_gives_the_same_products(shape: Shape, fixed: int, zero_points: tuple[int, int]) -> None:
    graph = product(shape, fixed, zero_points)
    after = MatmulAsConv().apply(graph)
    ops = [node.op for _, node in after.operators()]
    assert "CONV2D" in ops
    assert "MATMUL" not in ops
    assert problems(after) == []
    for arrays in input_sets(graph):
        assert outputs(after, arrays) == outputs(graph, arrays)


@pytest.mark.parametrize(
    "graph", [product((2, 3, 4), None, (0, 0)), product((2, 3, 4), 1, (0, 0), heads=2)], ids=["no constant", "a batch"]
)
def test_others_stay(graph: Graph) -> None:
    assert MatmulAsConv().apply(graph) is graph


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_takes_weights_with_a_zero_point(accelerator: str) -> None:
    after = MatmulAsConv().apply(product((9, 20, 7), 1, (-128, 127)))
    assert compile_tosa(write_tosa(after), Target.parse(accelerator)).npu_ops


class TestMatmulAsConv(PassContract):
    a_pass = MatmulAsConv()
    operators = CONSTANT_PRODUCTS
