"""Whatever a file holds, reading it gives a graph or one line that says why not: no other exception, hang or memory."""

import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
import tosa_serializer as ts
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.programs.serialised import attribute, one_operator

from search_space.errors import SpaceError
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from search_space.tosa_file.flatbuffer import Builder
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.random.graphs import graphs

TENSOR = ts.TosaSerializerTensor


def read_or_refuse(data: bytes) -> str:
    """Why the file is refused, empty if it is not. Fails on every other exception, and where the verifier has one."""
    try:
        graph = read_tosa(data, "a.tosa")
    except SpaceError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("a.tosa")
        return str(error)
    problems(graph)
    return ""


def serializer(version: tuple[int, int] = (1, 0)) -> ts.TosaSerializer:
    return ts.TosaSerializer("", targetMajor=version[0], targetMinor=version[1], targetPatch=0, targetDraft=False)


@pytest.fixture(scope="module")
def program() -> bytes:
    """A convolution with its RESCALE, a transpose, a reshape and a clamp."""
    return one_operator("CONV2D", arguments=[[0, 0, 0, 0], [1, 1], [1, 1], False, ts.DType.INT32])


@given(graph=graphs(most_operators=4), cut=st.floats(0, 1))
def test_cut_off(graph: Graph, cut: float) -> None:
    data = write_tosa(graph)
    read_or_refuse(data[: int(cut * (len(data) - 1))])


def test_cut_off_at_every_byte(program: bytes) -> None:
    reasons = [read_or_refuse(program[:length]) for length in range(len(program))]
    # Flatbuffers are written back to front: without its last bytes the root's tables are gone.
    assert all(reasons[: len(program) // 2])
    assert all("not a TOSA flatbuffer" in reason for reason in reasons[:8])


@settings(max_examples=300)
@given(graph=graphs(most_operators=4), data=st.data())
def test_flipped_bits_and_foreign_words(graph: Graph, data: st.DataObject) -> None:
    original = write_tosa(graph)
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 4))
        word = st.one_of(
            st.binary(min_size=1, max_size=4), st.sampled_from([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"])
        )
        patch = data.draw(word)
        changed[at : at + len(patch)] = patch
    read_or_refuse(bytes(changed))


def test_every_bit_of_a_program(program: bytes) -> None:
    for at in range(len(program)):
        for bit in range(8):
            changed = bytearray(program)
            changed[at] ^= 1 << bit
            read_or_refuse(bytes(changed))


@given(st.binary(max_size=300))
@example(b"")
@example(b"TOSA")
@example(b"\0\0\0\0TOSA")
@example(b"\x08\0\0\0TOSA\x04\0\0\0")
def test_garbage(data: bytes) -> None:
    assert read_or_refuse(data) != ""
    assert read_or_refuse(data[:4] + b"TOSA" + data[4:]) != ""


def test_a_vector_that_claims_to_be_huge_takes_no_memory(program: bytes) -> None:
    tracemalloc.start()
    for at in range(0, len(program) - 4, 4):
        for word in (0x7FFFFFF0, len(program), 0xFFFFFFFF):
            changed = bytearray(program)
            struct.pack_into("<I", changed, at, word)
            read_or_refuse(bytes(changed))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_many_regions_that_share_many_blocks_are_counted_not_built() -> None:
    """10^4 regions of 10^4 blocks each fit a file of 80 kB, since offsets may point to one thing many times."""
    count = 10_000
    build = Builder(b"TOSA")
    root = build.table((4, 8), bytes(8))
    build.point_to(0, root)
    build.point_to(root + 4, build.table((4, 8, 12, 16), struct.pack("<iii?3x", 1, 0, 0, False)))
    regions = build.offsets(root + 8, count)
    region = build.table((4, 8), bytes(8))
    blocks = build.offsets(region + 8, count)
    block = build.table((4, 8, 12, 16, 20, 24), bytes(24))
    for at in range(count):
        build.point_to(regions + 4 * at, region)
        build.point_to(blocks + 4 * at, block)
    tracemalloc.start()
    assert f"{count} regions" in read_or_refuse(bytes(build.out))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000


def conditional(op: Any, attribute: Any) -> bytes:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("c", [1], ts.DType.BOOL))
    made.addInputTensor(TENSOR("x", [4], ts.DType.INT32))
    block.addTensor("out", [4], ts.DType.INT32)
    block.addOperator(op, ["c", "x"], ["out"], attribute)
    made.addOutputTensor(block.tensors["out"])
    for name in ("first", "second"):
        made.startRegion(name)
        made.currRegion.addBasicBlock(name)
    return bytes(made.serialize())


def test_control_flow() -> None:
    for data in (
        conditional(ts.Op.COND_IF, attribute("CondIfAttribute", "first", "second")),
        conditional(ts.Op.WHILE_LOOP, attribute("WhileLoopAttribute", "first", "second")),
    ):
        reason = read_or_refuse(data)
        assert "control flow" in reason


@pytest.mark.parametrize(
    ("op", "arguments", "said"),
    [
        ("COND_IF", ["a", "b"], "control flow"),
        ("WHILE_LOOP", ["a", "b"], "control flow"),
        ("VARIABLE", [], "stateful"),
        ("VARIABLE_READ", [], "stateful"),
        ("VARIABLE_WRITE", [], "stateful"),
        ("CUSTOM", ["name", "domain", [1, 2]], "custom"),
        ("FFT2D", [False, False], "two outputs"),
        ("RFFT2D", [False], "two outputs"),
    ],
)
def test_operators_that_are_not_handled(op: str, arguments: list[Any], said: str) -> None:
    reason = read_or_refuse(one_operator(op, arguments=arguments))
    assert op in reason and said in reason


@pytest.mark.parametrize("version", [(1, 1), (0, 80), (2, 0)])
def test_other_versions(version: tuple[int, int]) -> None:
    reason = read_or_refuse(one_operator("ADD", version=version))
    assert f"TOSA {version[0]}.{version[1]}" in reason and "1.0" in reason


def test_operators_and_types_of_later_versions() -> None:
    """Numbers behind the end of TOSA 1.0's lists."""
    for number in (76, 200):
        data = bytearray(one_operator("ABS"))
        at = _operator_number(bytes(data))
        struct.pack_into("<I", data, at, number)
        assert f"operator number {number}" in read_or_refuse(bytes(data))


def _operator_number(data: bytes) -> int:
    from tosa.TosaGraph import TosaGraph

    operator = TosaGraph.GetRootAs(data, 0).Regions(0).Blocks(0).Operators(0)
    return operator._tab.Pos + operator._tab.Offset(4)


def test_several_results() -> None:
    assert "2 results" in read_or_refuse(one_operator("ABS", results=["out", "more"]))


def test_a_movement_without_its_attributes() -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2, 3], ts.DType.INT8))
    block.addTensor("out", [3, 2], ts.DType.INT8)
    block.addOperator(ts.Op.TRANSPOSE, ["x"], ["out"], attribute("NoneAttribute"))
    made.addOutputTensor(block.tensors["out"])
    assert "perms" in read_or_refuse(bytes(made.serialize()))


def test_a_movement_that_does_not_give_what_the_file_says() -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2, 3], ts.DType.INT8))
    block.addTensor("out", [2, 3], ts.DType.INT8)
    block.addOperator(ts.Op.TRANSPOSE, ["x"], ["out"], attribute("TransposeAttribute", [1, 0]))
    made.addOutputTensor(block.tensors["out"])
    assert "gives int8[3,2], the file says int8[2,3]" in read_or_refuse(bytes(made.serialize()))


@pytest.mark.parametrize("perms", [[0, 0], [0, 1, 2], [-1, 0], [2, 1], []])
def test_perms_that_are_no_permutation(perms: list[int]) -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2, 3], ts.DType.INT8))
    block.addTensor("out", [3, 2], ts.DType.INT8)
    block.addOperator(ts.Op.TRANSPOSE, ["x"], ["out"], attribute("TransposeAttribute", perms))
    made.addOutputTensor(block.tensors["out"])
    assert "perms" in read_or_refuse(bytes(made.serialize()))


def test_a_shape_that_is_computed() -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2, 3], ts.DType.INT8))
    block.addTensor("out", [6], ts.DType.INT8)
    block.addTensor("shape", [1], ts.DType.SHAPE)
    block.addOperator(ts.Op.RESHAPE, ["x", "shape"], ["out"], attribute("ReshapeAttribute"))
    made.addOutputTensor(block.tensors["out"])
    assert "computed shape" in read_or_refuse(bytes(made.serialize()))


def test_values_that_nothing_computes_or_that_are_computed_twice() -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2], ts.DType.INT32))
    block.addTensor("a", [2], ts.DType.INT32)
    block.addTensor("b", [2], ts.DType.INT32)
    block.addOperator(ts.Op.ADD, ["x", "b"], ["a"], attribute("AddAttribute"))
    made.addOutputTensor(block.tensors["a"])
    assert "reads 'b', which nothing before it computes" in read_or_refuse(bytes(made.serialize()))

    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2], ts.DType.INT32))
    block.addTensor("a", [2], ts.DType.INT32)
    for _ in range(2):
        block.addOperator(ts.Op.ADD, ["x", "x"], ["a"], attribute("AddAttribute"))
    made.addOutputTensor(block.tensors["a"])
    assert "'a' is computed twice" in read_or_refuse(bytes(made.serialize()))


def test_an_output_that_nothing_computes() -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    made.addInputTensor(TENSOR("x", [2], ts.DType.INT32))
    block.addTensor("a", [2], ts.DType.INT32)
    made.addOutputTensor(block.tensors["a"])
    assert "outputs reads 'a'" in read_or_refuse(bytes(made.serialize()))


def test_a_constant_too_short_for_its_type() -> None:
    made = serializer()
    block = made.currRegion.currBasicBlock
    block.addTensor("c", [1000], ts.DType.INT32, data=np.zeros(2, np.int32))
    block.addOperator(ts.Op.CONST, [], ["c"], attribute("ConstAttribute"))
    made.addOutputTensor(block.tensors["c"])
    assert "needs" in read_or_refuse(bytes(made.serialize()))


def test_a_file_of_another_kind() -> None:
    for data in (b"PK\x03\x04" + bytes(100), b"%PDF-1.4\n" * 20, bytes(1000)):
        assert "not a TOSA flatbuffer" in read_or_refuse(data)
