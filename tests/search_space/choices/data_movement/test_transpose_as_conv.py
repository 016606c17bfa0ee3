"""Transposes against convolutions with weights of zeros and ones."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.random.convolution.convolutions import BLOCKS

from search_space.choices.data_movement.transpose_as_conv import TransposeAsConv
from search_space.ir.graph import INPUT, MOVE, Graph, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.reference_values import outputs
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def moved(shape: Shape, *perms: Shape, dtype: str = "INT8") -> Graph:
    """An input, transposed."""
    source = TensorType(shape, dtype)
    steps = tuple(Step("transpose", one) for one in perms)
    nodes = {0: Node(INPUT, (), source), 1: move(0, source, steps)}
    return Graph(nodes, (0,), (1,), 2)


@settings(max_examples=120)
@given(
    shape=st.lists(st.sampled_from([1, 2, 3, 4, 5, 8, 16]), min_size=2, max_size=5).map(tuple)
    | st.lists(st.sampled_from([1, 3, 13, 24, 28, 40, 66]), min_size=2, max_size=3).map(tuple),
    data=st.data(),
)
def test_every_element_gets_where_it_belongs(shape: Shape, data: st.DataObject) -> None:
    graph = moved(shape, tuple(data.draw(st.permutations(range(len(shape))))))
    after = TransposeAsConv().apply(graph)
    if after is graph:
        return
    event(", ".join(sorted({node.op for _, node in after.operators()})))
    assert problems(after) == []
    assert all(node.layout_map.keeps_order for _, node in after.operators() if node.op == MOVE)
    values = np.arange(np.prod(shape)).reshape(shape)
    for arrays in ((values % 256 - 128).astype(np.int8),), ((values // 256 - 128).astype(np.int8),):
        assert outputs(after, arrays) == outputs(graph, arrays)


def test_an_nchw_image_is_moved_by_one_convolution() -> None:
    after = TransposeAsConv().apply(moved((1, 3, 32, 32), (0, 2, 3, 1)))
    assert [node.op for _, node in after.operators()] == [MOVE, "CONV2D", "RESCALE", MOVE]


def test_a_pixel_shuffle_is_two_convolutions() -> None:
    source = TensorType((1, 4, 4, 12), "INT8")
    steps = (
        Step("reshape", (4, 4, 3, 2, 2)), Step("transpose", (2, 0, 3, 1, 4)), Step("reshape", (1, 3, 8, 8)),
    )  # fmt: skip
    graph = Graph({0: Node(INPUT, (), source), 1: move(0, source, steps)}, (0,), (1,), 2)
    after = TransposeAsConv().apply(graph)
    assert problems(after) == []
    assert all(node.layout_map.keeps_order for _, node in after.operators() if node.op == MOVE)
    values = np.arange(192, dtype=np.uint8).reshape(source.shape).view(np.int8)
    assert outputs(after, (values,)) == outputs(graph, (values,))


def test_many_channels_are_moved_by_two_convolutions_of_few_rows() -> None:
    after = TransposeAsConv().apply(moved((1, 64, 96), (0, 2, 1)))
    kernels = [after[node.inputs[1]].type.shape for _, node in after.operators() if node.op == "CONV2D"]
    assert [rows * columns * channels for _, rows, columns, channels in kernels] == [16, 16]
    assert [rows for _, rows, _, _ in kernels] == [8, 8]


@pytest.mark.parametrize("shape", [(1, 64, 128), (1, 40, 98), (1, 96, 18, 18)])
def test_ethos_u55_moves_channels_and_pixels_in_less_than_half_the_cycles(shape: Shape) -> None:
    target = Target.parse("ethos-u55-128")
    graph = moved(shape, (0, *range(2, len(shape)), 1))
    streams = [
        compile_tosa(write_tosa(one), target, operators=False).command_stream
        for one in (graph, TransposeAsConv().apply(graph))
    ]
    transposed, convolved = (stream_cycles(decode(stream), target).total_cycles for stream in streams)
    assert convolved < 0.4 * transposed


@pytest.mark.parametrize(
    "graph",
    [
        moved((1, 211, 307), (0, 2, 1)),
        moved((2, 3), (1, 0), dtype="INT16"),
        moved((1, 3), (1, 0)),
        Graph({0: constant(np.zeros((2, 3), np.int8)), 1: moved((2, 3), (1, 0))[1]}, (), (1,), 2),
    ],
    ids=["large", "int16", "a reshape", "a constant"],
)
def test_others_stay(graph: Graph) -> None:
    assert TransposeAsConv().apply(graph) is graph


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_transposes_nothing_any_more(accelerator: str) -> None:
    graph = moved((1, 3, 32, 32), (0, 2, 3, 1))
    compiled = compile_tosa(write_tosa(TransposeAsConv().apply(graph)), Target.parse(accelerator))
    assert compiled.transposes == 0
    assert compiled.npu_ops == 1


class TestTransposeAsConv(PassContract):
    a_pass = TransposeAsConv()
    operators = BLOCKS
