"""What Vela copies into a CONCAT against convolutions that write it there, and concatenations of concatenations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import TARGETS, changed, operators
from support.random.data_movement.copies import COPIES

from search_space.choices.data_movement.flatten_concat import FlattenConcat
from search_space.choices.data_movement.identity_conv_copy import IdentityConvCopy
from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def joined(shape: Shape, axis: int, operands: tuple[int, ...] = (0, 1), dtype: str = "INT8") -> Graph:
    """A CONCAT of some of two inputs."""
    tensor = TensorType(shape, dtype)
    result = tuple(size * len(operands) if at == axis else size for at, size in enumerate(shape))
    concat = Node("CONCAT", operands, TensorType(result, dtype), {"axis": axis})
    return Graph({0: Node(INPUT, (), tensor), 1: Node(INPUT, (), tensor), 2: concat}, (0, 1), (2,), 3)


def nested(inner_axis: int, outer_axis: int, shown: bool = False) -> Graph:
    """CONCAT of a CONCAT of two inputs, and an input; shown: the inner one is a result, too."""
    inner = joined((1, 2, 3, 4), inner_axis)
    shape = inner[2].type.shape
    third = Node(INPUT, (), TensorType(shape, "INT8"))
    result = tuple(2 * size if at == outer_axis else size for at, size in enumerate(shape))
    outer = Node("CONCAT", (2, 3), TensorType(result, "INT8"), {"axis": outer_axis})
    return Graph({**inner.nodes, 3: third, 4: outer}, (0, 1, 3), (4, 2) if shown else (4,), 5)


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 3, 16, 48, 49])),
    axis=st.integers(0, 3),
    operands=st.sampled_from([(0, 1), (0, 0), (0, 1, 0)]),
)
def test_what_is_copied_is_convolved(shape: Shape, axis: int, operands: tuple[int, ...]) -> None:
    after = changed(joined(shape, axis, operands), IdentityConvCopy())
    kind = "CONV2D" if shape[3] <= 48 else "DEPTHWISE_CONV2D"
    assert operators(after) == [kind, "RESCALE"] * len(operands) + ["CONCAT"]


@pytest.mark.parametrize("target", TARGETS)
def test_vela_copies_nothing_then(target: str) -> None:
    before = joined((1, 8, 8, 12), 3)
    kinds = [
        {one.npu_op for one in compile_tosa(write_tosa(graph), Target.parse(target)).operators}
        for graph in (before, IdentityConvCopy().apply(before))
    ]
    assert kinds == [{"MemoryCopy"}, {"Conv2D"}]


def test_constants_and_other_types_stay() -> None:
    graph = joined((1, 4, 4, 3), 3)
    nothing = constant(np.zeros((1, 4, 4, 3), np.int8))
    of_constants = Graph({0: nothing, 1: nothing, 2: graph[2]}, (), (2,), 3)
    for one in (of_constants, joined((1, 4, 4, 3), 3, dtype="INT16"), joined((4, 4, 3), 2)):
        assert IdentityConvCopy().apply(one) is one


@pytest.mark.parametrize("axis", range(4))
def test_one_axis_is_flattened(axis: int) -> None:
    after = changed(nested(axis, axis), FlattenConcat())
    assert operators(after) == ["CONCAT"]


def test_other_concatenations_stay() -> None:
    for graph in (nested(1, 2), nested(2, 2, shown=True)):
        assert FlattenConcat().apply(graph) is graph


class TestIdentityConvCopy(PassContract):
    a_pass = IdentityConvCopy()
    operators = COPIES
