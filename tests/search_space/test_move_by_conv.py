"""Movements of few planes against the convolutions that pick the same elements."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_programs import TARGETS, changed, moved, operators

from search_space.choices.move_by_conv import MoveByConv
from search_space.graph import Graph, Step
from search_space.write_tosa import write_tosa
from workers.target import Target
from workers.vela import compile_tosa


def swapped(outer: int, first: int, second: int, inner: int, dtype: str = "INT8") -> Graph:
    """[outer,first,second,inner] -> [outer,second,first,inner]."""
    return moved((outer, first, second, inner), Step("transpose", (0, 2, 1, 3)), dtype=dtype)


@settings(max_examples=40)
@given(
    outer=st.integers(1, 3), first=st.integers(2, 12), second=st.integers(2, 12), inner=st.integers(1, 3),
)  # fmt: skip
def test_a_swap_of_any_sizes_is_moved(outer: int, first: int, second: int, inner: int) -> None:
    graph = swapped(outer, first, second, inner)
    after = changed(graph, MoveByConv())
    assert set(operators(after)) <= {"CONV2D", "RESCALE", "CONCAT"}
    # Nothing but reshapes is left of the movement.
    assert all(node.layout_map.keeps_order for _, node in after.operators() if node.op == "MOVE")


def test_planes_are_interleaved_by_one_convolution_and_parted_by_one_each() -> None:
    assert operators(MoveByConv().apply(swapped(1, 3, 64, 1))) == ["CONV2D", "RESCALE"]
    assert operators(MoveByConv().apply(swapped(1, 64, 3, 1))).count("CONV2D") == 3


@pytest.mark.parametrize(
    "graph",
    [
        swapped(1, 3, 16, 1, dtype="INT16"),
        moved((4, 6), Step("reshape", (6, 4))),
        moved((3, 4, 5), Step("transpose", (2, 1, 0))),
        swapped(5, 67, 71, 1),
        swapped(1, 3, 2, 200),
    ],
    ids=["int16", "reshape", "reversal", "both are many", "long runs"],
)
def test_other_movements_stay(graph: Graph) -> None:
    assert MoveByConv().apply(graph) is graph


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "graph",
    [swapped(1, 64, 4 * 67, 1), swapped(7, 3, 64, 5), swapped(9, 65, 16, 1), swapped(1, 3, 1 << 17, 1)],
    ids=["rows", "stride", "parts", "width"],
)
def test_vela_takes_the_largest(graph: Graph, target: str) -> None:
    after = MoveByConv().apply(graph)
    assert after is not graph
    assert compile_tosa(write_tosa(after), Target.parse(target)).transposes == 0
