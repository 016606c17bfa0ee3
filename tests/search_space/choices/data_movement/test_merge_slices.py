"""Slices of slices."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.layer_programs import changed, operators
from support.random.data_movement.copies import SLICES_OF_SLICES

from search_space.choices.data_movement.merge_slices import MergeSlices
from search_space.ir.graph import INPUT, Graph, Node, TensorType
from search_space.ir.layout_map import Shape
from velatune.testing import PassContract


def sliced(cuts: list[tuple[Shape, Shape]]) -> Graph:
    """Of [4,5,6], for each cut its start and size."""
    nodes = {0: Node(INPUT, (), TensorType((4, 5, 6), "INT32"))}
    for start, size in cuts:
        cut = Node("SLICE", (len(nodes) - 1,), TensorType(size, "INT32"), {"start": start, "size": size})
        nodes[len(nodes)] = cut
    return Graph(nodes, (0,), (len(nodes) - 1,), len(nodes))


@settings(max_examples=30)
@given(data=st.data(), count=st.integers(2, 3))
def test_any_number_of_slices_is_one(data: st.DataObject, count: int) -> None:
    shape: Shape = (4, 5, 6)
    cuts = []
    for _ in range(count):
        start = tuple(data.draw(st.integers(0, full - 1)) for full in shape)
        shape = tuple(data.draw(st.integers(1, full - at)) for full, at in zip(shape, start, strict=True))
        cuts.append((start, shape))
    assert operators(changed(sliced(cuts), MergeSlices())) == ["SLICE"]


def test_a_slice_of_something_else_stays() -> None:
    graph = sliced([((0, 1, 2), (4, 4, 4))])
    assert MergeSlices().apply(graph) is graph


class TestMergeSlices(PassContract):
    a_pass = MergeSlices()
    operators = SLICES_OF_SLICES
