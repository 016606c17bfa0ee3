"""Streams as Vela emits them order their operations; without one of their waits they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.npu_programs import everything
from support.streams.changed_streams import named, with_value, without
from support.streams.compiled_apart import compiled_apart

from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from velatune.testing.random.graphs import graphs
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa

ACCELERATORS = [
    *(f"ethos-u55-{macs}" for macs in (32, 64, 128, 256)), "ethos-u65-256", "ethos-u65-512",
    *(f"ethos-u85-{macs}" for macs in (128, 256, 512, 1024, 2048)),
]  # fmt: skip
SOME = ["ethos-u55-32", "ethos-u55-128", "ethos-u65-512", "ethos-u85-256"]


def found(compiled: Compiled, stream: bytes) -> list[str]:
    program = replace(compiled.npu_program, command_stream=stream)
    return [str(one) for one in hazards(program, decode(stream))]


def assert_waits_are_needed(compiled: Compiled) -> int:
    """There is no hazard, and there is one without any of the waits, or if it waits for one operation less. Returns how
    many waits there are."""
    stream = compiled.command_stream
    assert found(compiled, stream) == []
    waits = [*named(stream, "NPU_OP_KERNEL_WAIT"), *named(stream, "NPU_OP_DMA_WAIT")]
    for wait in waits:
        assert found(compiled, without(stream, wait)), hex(wait.offset)
        assert found(compiled, with_value(stream, wait, wait.value + 1)), hex(wait.offset)
    return len(waits)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_every_wait_is_needed(accelerator: str) -> None:
    programs = everything(accelerator.rpartition("-")[0])
    waits = sum(assert_waits_are_needed(compile_tosa(tosa, Target.parse(accelerator))) for tosa in programs.values())
    assert waits


@settings(max_examples=40, derandomize=True)  # see below for programs in which there are some
@given(graphs(), st.sampled_from(SOME))
def test_random_programs_have_none(graph: Graph, accelerator: str) -> None:
    compiled = compiled_apart(write_tosa(graph), Target.parse(accelerator))
    assert compiled is None or found(compiled, compiled.command_stream) == []


def tables_in_turn(accelerator: str, count: int) -> Compiled:
    """More tables than there are places for, so that one is overwritten that was used just before."""
    p = Program()
    value = p.input(1, 8, 8, 16)
    for _ in range(count):
        value = p.table(p.conv(value, 16))
    return compile_tosa(p.tosa(value), Target.parse(accelerator))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_a_table_is_not_overwritten_while_it_is_used(accelerator: str) -> None:
    compiled = tables_in_turn(accelerator, 10)
    assert_waits_are_needed(compiled)
    stream = compiled.command_stream
    operations = decode(stream).operations
    copies = [one.dma for one in operations if one.dma is not None and one.dma.destination.region is None]
    places = [copy.destination.address for copy in copies]
    assert len(set(places)) < len(places)
    # The last table takes the place of the one before it, which the computation before the copy uses.
    moved = with_value(stream, named(stream, "NPU_SET_DMA0_DST")[-1], places[-2])
    assert any("its destination writes" in one and "come to read" in one for one in found(compiled, moved))


@pytest.mark.parametrize("accelerator", SOME)
def test_blocks_that_are_read_too_early_are_found(accelerator: str) -> None:
    """Vela lets as many blocks overlap as there are before one needs another: one more is too many."""
    most = 7 if "u85" in accelerator else 3
    raised = 0
    for tosa in everything(accelerator.rpartition("-")[0]).values():
        compiled = compile_tosa(tosa, Target.parse(accelerator))
        stream = compiled.command_stream
        for command in named(stream, "NPU_SET_BLOCKDEP"):
            if 0 < command.value < most:
                assert any("BLOCKDEP" in one for one in found(compiled, with_value(stream, command, command.value + 1)))
                raised += 1
    assert raised


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-64"])
def test_accumulators_do_not_overwrite_a_table_too_early(accelerator: str) -> None:
    """Where a computation's accumulators take the place of the tables, it begins after the one with the table."""
    p = Program()
    value = p.table(p.conv(p.input(1, 24, 24, 16), 16, (3, 3)))
    compiled = compile_tosa(p.tosa(p.conv(value, 16, (3, 3))), Target.parse(accelerator))
    stream = compiled.command_stream
    assert found(compiled, stream) == []
    last = named(stream, "NPU_SET_BLOCKDEP")[-1]
    assert any("it overwrites the table" in one for one in found(compiled, with_value(stream, last, 1)))


def test_indices_that_vela_overwrites_too_early_are_found() -> None:
    """Vela 5.1.0 and 5.2.0 take the indices of a gather for one byte each instead of four (`GenerateDMA` of U85). So
    they do not wait with what comes into the memory of the others."""
    p = Program()
    zero = p.data([[0]], "INT32")
    repeated = [p.op("TILE", (zero,), (count, 1), multiples=(count, 1)) for count in (4, 6)]
    values = [p.gather(p.input(p.shape(indices)[0], 1, 1), indices) for indices in repeated]
    compiled = compile_tosa(p.tosa(*values), Target.parse("ethos-u85-256"))
    reasons = found(compiled, compiled.command_stream)
    assert reasons and all("its OFM writes" in one and "come to read" in one for one in reasons)
