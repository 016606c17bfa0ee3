"""The guard finds what Vela compiles wrongly, and nothing in streams that are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.npu_programs import everything
from support.streams.changed_streams import named, with_value, without
from support.streams.compiled_apart import compiled_apart
from support.values.executed import compiled as executable
from support.values.executed import inputs_for, verdict

from benchmarks.correctness.miscompilations.detection.open_to import open_to
from benchmarks.correctness.miscompilations.miscompilation import graph as catalogued
from benchmarks.correctness.miscompilations.scaling.int48_scales import MISCOMPILATION as INT48_SCALES
from search_space.ir.graph import Graph
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from velatune.testing.random.graphs import graphs
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.static_checks.expected_accesses import expected_accesses
from workers.ethos_u.npu_model.static_checks.guard import guard
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa

U55_U65 = [*(f"ethos-u55-{macs}" for macs in (32, 64, 128, 256)), "ethos-u65-256", "ethos-u65-512"]
U85 = [f"ethos-u85-{macs}" for macs in (128, 256, 512, 1024, 2048)]


def found_in(graph: Graph, compiled: Compiled) -> list[str]:
    decoded = decode(compiled.command_stream)
    return [str(one) for one in guard(compiled.npu_program, decoded, expected_accesses(graph, compiled.operators))]


def found(graph: Graph, accelerator: str) -> list[str]:
    return found_in(graph, compile_tosa(write_tosa(graph), Target.parse(accelerator)))


@pytest.mark.parametrize("accelerator", U55_U65 + U85)
def test_nothing_in_programs_that_are_right(accelerator: str) -> None:
    for name, tosa in everything(accelerator.rpartition("-")[0]).items():
        assert found(read_tosa(tosa), accelerator) == [], name


@settings(max_examples=60, derandomize=True)
@given(graphs(), st.sampled_from(["ethos-u55-32", "ethos-u55-128", "ethos-u65-512", "ethos-u85-256"]))
def test_nothing_in_random_programs_that_are_compiled_right(graph: Graph, accelerator: str) -> None:
    """Nothing but constants that are written to, which execution does not see."""
    compiled = compiled_apart(write_tosa(graph), Target.parse(accelerator))
    if compiled is None:
        return
    violations = [one for one in found_in(graph, compiled) if "to the constants" not in one]
    if violations:
        assert open_to(graph, accelerator.rpartition("-")[0]) != set(), violations


def half_of_transposed() -> Graph:
    """Ethos-U55 and U65 transpose int32 as bytes: half of the bytes are dead, which are four times as many elements."""
    p = Program()
    value = p.input(2, 1, 2, 1, dtype="INT32")
    turned = p.transpose(p.reshape(value, 2, 2), 1, 0)
    half = p.slice(p.reshape(turned, 1, 2, 2, 1), (0, 0, 0, 0), (1, 2, 1, 1))
    return p.graph(half, half, p.reshape(p.reshape(value, 2, 2), 2, 1, 2, 1, 1), half)


def copied_twice() -> Graph:
    """Ethos-U85 is ordered twice to copy the transposed part of a tensor with an activation."""
    p = Program()
    part = p.slice(p.input(1, 9, 7, 24), (0, 0, 0, 16), (1, 9, 7, 8))
    return p.graph(p.clamp(p.transpose(part, 0, 3, 1, 2), -100, 100))


def copied_in_place() -> Graph:
    """On Ethos-U55, of two copies that differ in addresses only, the second one has its operand where its result is."""
    p = Program()
    shape, start = (1, 2, 1, 1), (0, 0, 0, 0)
    value = p.op("ABS", (p.input(*shape, dtype="INT32"),), shape, "INT32")
    return p.graph(value, p.slice(p.slice(value, start, shape), start, shape))


def convolved_volumes() -> Graph:
    """Ethos-U85 convolves the planes of a volume one after another, and adds each to the sums in their place."""
    p = Program()
    weights = p.data(p.random.integers(-127, 128, (2, 3, 3, 3, 3)), "INT8")
    zero = p.data(0, "INT8")
    sums = p.op(
        "CONV3D", (p.input(1, 9, 4, 4, 3), weights, p.bias(2, wide=False), zero, zero), (1, 9, 4, 4, 2), "INT32",
        pad=(1, 1, 1, 1, 1, 1), stride=(1, 1, 1), dilation=(1, 1, 1), local_bound=False, acc_type="INT32",
    )  # fmt: skip
    return p.graph(p.rescale(sums, "INT8", 1 / 3000))


def nothing_is_found(program: Callable[[], Graph], accelerator: str) -> None:
    graph = program()
    assert found(graph, accelerator) == []
    assert verdict(graph, executable(graph, accelerator), inputs_for(graph)).equal


@pytest.mark.parametrize("accelerator", U55_U65 + U85)
@pytest.mark.parametrize("program", [half_of_transposed, copied_in_place, copied_twice])
def test_nothing_in_programs_that_only_look_wrong(program: Callable[[], Graph], accelerator: str) -> None:
    nothing_is_found(program, accelerator)


@pytest.mark.parametrize("accelerator", U85)
def test_nothing_in_sums_of_planes(accelerator: str) -> None:
    nothing_is_found(convolved_volumes, accelerator)


def test_sums_of_planes_that_are_not_quite_in_place_are_found() -> None:
    compiled = compile_tosa(write_tosa(convolved_volumes()), Target.parse("ethos-u85-256"))
    operations = decode(compiled.command_stream).operations
    added = next(
        one for one in operations
        if one.accumulator_input == "IFM2" and one.ifm2 and one.ofm and one.ifm2.addresses == one.ofm.addresses
    )  # fmt: skip
    base = named(compiled.command_stream, "NPU_SET_IFM2_BASE0")[0]
    wrong = f"operation at {added.offset:#x}: its OFM is written over bytes of its IFM2 that are still to be read"

    assert wrong in found_after(lambda stream: with_value(stream, base, base.value + 4), compiled)


def test_a_copy_that_is_not_quite_in_place_is_found() -> None:
    """The copy in front of it, from which it differs in addresses only, is in place."""
    compiled = compile_tosa(write_tosa(copied_in_place()), Target.parse("ethos-u55-128"))
    first, second = decode(compiled.command_stream).runs[-1].offsets
    bases = named(compiled.command_stream, "NPU_SET_IFM_BASE0")
    own, others = (max((one for one in bases if one.offset < at), key=lambda one: one.offset) for at in (second, first))
    place = own.value

    def changed(stream: bytes) -> bytes:
        return with_value(with_value(stream, others, place), own, place - 4)

    wrong = f"operation at {second:#x}: its OFM is written over bytes of its IFM that are still to be read"
    assert wrong in found_after(changed, compiled)


def batches() -> Graph:
    p = Program()
    some = p.slice(p.input(8, 16, 24), (4, 0, 0), (4, 16, 24))
    return p.graph(p.matmul(some, p.input(4, 24, 16)))


def channels() -> Graph:
    p = Program()
    some = p.slice(p.input(4, 16, 24), (0, 0, 8), (4, 16, 16))
    return p.graph(p.matmul(some, p.input(4, 16, 16)))


def heads(computed: bool = False) -> Graph:
    """Queries, keys and values of one projection, as an attention has them."""
    p = Program()
    whole = p.input(3, 1, 4, 16, 24)
    if computed:
        whole = p.table(whole)
    parts = (p.slice(whole, (at, 0, 0, 0, 0), (1, 1, 4, 16, 24)) for at in range(3))
    query, key, value = (p.reshape(part, 4, 16, 24) for part in parts)
    return p.graph(p.matmul(p.matmul(query, p.transpose(key, 0, 2, 1)), value))


def computed_heads() -> Graph:
    return heads(computed=True)


def table_behind_batches() -> Graph:
    p = Program()
    return p.graph(p.table(p.conv(p.input(16, 1, 1, 32), 24)))


def clamp_behind_batches() -> Graph:
    p = Program()
    return p.graph(p.clamp(p.conv(p.input(256, 1, 1, 32), 24), -20, 50))


def dilated_slice() -> Graph:
    p = Program()
    some = p.slice(p.input(1, 20, 1, 32), (0, 2, 0, 0), (1, 16, 1, 32))
    return p.graph(p.conv(some, 16, (3, 1), dilation=(4, 1)))


def slice_of_batches() -> Graph:
    """Padding that belongs in front comes behind, as with the phases of a dilated convolution."""
    p = Program()
    return p.graph(p.conv(p.slice(p.input(2, 6, 6, 12), (0, 0, 0, 4), (2, 6, 6, 8)), 16, (3, 3)))


def other_multiples() -> Graph:
    """x + 2 y: both are rescaled by small integers."""
    p = Program()
    wide = [p.rescale_by(p.input(1, 4, 4, 16), "INT32", scale, 0) for scale in (1, 2)]
    return p.graph(p.rescale(p.op("ADD", tuple(wide), (1, 4, 4, 16), "INT32"), "INT8", 0.5))


def selected_and_reshaped() -> Graph:
    p = Program()
    condition, value, other = p.input(1, 8, 8, 16, dtype="BOOL"), p.input(1, 8, 8, 16), p.input(1, 8, 8, 16)
    selected = p.op("SELECT", (condition, value, other), (1, 8, 8, 16), "INT8")
    return p.graph(selected, p.table(p.reshape(value, 1, 8, 64, 2)))


def clamp_behind_reshape() -> Graph:
    """The shape of the CLAMP, which Vela fuses into the ADD, is taken for that of the sum, but not of its operands."""
    p = Program()
    return p.graph(p.clamp(p.reshape(p.add(p.input(6, 5), p.input(6, 5)), 2, 1, 1, 15), -20, 50))


def moved_constant() -> Graph:
    """Vela transposes the constant on the NPU, with results in between among the constants."""
    p = Program()
    values = np.arange(12).reshape(1, 3, 2, 2, 1)
    return p.graph(p.transpose(p.data(values, "INT8"), 2, 4, 3, 1, 0), p.table(p.input(1, 4, 4, 4)))


def scaled_maximum() -> Graph:
    p = Program()
    return p.graph(p.rescale(p.max_pool(p.input(1, 8, 8, 16), 2), "INT8", 0.7))


def finely_scaled_sums() -> Graph:
    return catalogued(INT48_SCALES.make)


@pytest.mark.parametrize(
    ("program", "accelerators", "reason"),
    [
        (batches, U55_U65, "1152 bytes of input 0 that outputs depend on are never read"),
        (channels, U55_U65, "are never read"),
        (heads, U55_U65 + U85, "1152 bytes of input 0 that outputs depend on are never read"),
        (computed_heads, U55_U65 + U85, "are never read"),
        (table_behind_batches, U55_U65 + U85, "384 bytes of input 0 that outputs depend on are never read"),
        (clamp_behind_batches, U55_U65 + U85, "7680 bytes of input 0 that outputs depend on are never read"),
        (dilated_slice, U55_U65 + U85, "64 bytes of input 0 that outputs depend on are never read"),
        (dilated_slice, U55_U65 + U85, "it pads 2 at the bottom, where the program's convolution pads 1"),
        (slice_of_batches, U55_U65 + U85, "it pads 2 at the right, where the program's convolution pads 1"),
        (other_multiples, U55_U65, "whatever OPB_SCALE says, which is 2"),
        (selected_and_reshaped, U85, "7168 bytes of t1_copy/And are never read"),
        (scaled_maximum, U55_U65, "does not scale"),
        (finely_scaled_sums, U85, "a channel's scale of I48 sums has 15 bits, but Vela means 858993459"),
        (clamp_behind_reshape, U55_U65 + U85, "15 bytes of input 0 that outputs depend on are never read"),
        (moved_constant, ["ethos-u55-128", "ethos-u85-256"], "to the constants, which are read only"),
    ],
)
def test_what_vela_compiles_wrongly_is_found(
    program: Callable[[], Graph], accelerators: list[str], reason: str
) -> None:  # fmt: skip
    for accelerator in accelerators:
        assert any(reason in one for one in found(program(), accelerator)), accelerator


def compiled_chain(accelerator: str) -> Compiled:
    """The same table behind two convolutions, with one that has none in between."""
    p = Program()
    numbers = p.data(p.random.integers(-128, 128, 256), "INT8")
    value = p.conv(p.input(1, 8, 8, 16), 16, (3, 3))
    for _ in range(2):
        value = p.conv(p.conv(p.op("TABLE", (value, numbers), p.shape(value)), 16, (3, 3)), 16, (3, 3))
    return compile_tosa(p.tosa(value), Target.parse(accelerator))


def found_after(change: Callable[[bytes], bytes], compiled: Compiled) -> list[str]:
    program = replace(compiled.npu_program, command_stream=change(compiled.command_stream))
    return [str(one) for one in guard(program, decode(program.command_stream))]


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_wrong_addresses_are_found(accelerator: str) -> None:
    compiled = compiled_chain(accelerator)

    def moved(name: str, to: int) -> list[str]:
        return found_after(lambda stream: with_value(stream, named(stream, name)[0], to), compiled)

    assert found_after(lambda stream: stream, compiled) == []
    (image,) = compiled.inputs
    assert any("reads bytes" in one for one in moved("NPU_SET_IFM_BASE0", compiled.scratch_bytes - 16))
    assert any("nobody wrote" in one for one in moved("NPU_SET_IFM_BASE0", 512 if image.address != 512 else 1024))
    assert any("writes bytes" in one for one in moved("NPU_SET_OFM_BASE0", 1 << 24))
    if accelerator != "ethos-u65-256":  # whose results are in another memory than inputs
        assert any("still to be read" in one for one in moved("NPU_SET_OFM_BASE0", image.address))
    assert any("weights reads bytes" in one for one in moved("NPU_SET_WEIGHT_BASE", len(compiled.weights)))


@pytest.mark.parametrize("accelerator", U55_U65 + U85)
def test_tables_that_are_not_there_are_found(accelerator: str) -> None:
    """On U55-32 and U55-64 accumulators overwrite the tables, so that Vela loads them again."""
    compiled = compiled_chain(accelerator)
    assert found_after(lambda stream: stream, compiled) == []
    loads = [
        one.offset for one in decode(compiled.command_stream).operations if one.dma and not one.dma.destination.region
    ]
    starts = [one for one in named(compiled.command_stream, "NPU_OP_DMA_START") if one.offset in loads]
    assert len(starts) == (2 if accelerator in ("ethos-u55-32", "ethos-u55-64") else 1)
    for start in starts:
        reasons = found_after(lambda stream, start=start: without(stream, start), compiled)
        assert any("table reads 256 bytes of the table memory that nobody wrote" in one for one in reasons)
