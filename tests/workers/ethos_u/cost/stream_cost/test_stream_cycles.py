"""A function of the operations and the target alone, whatever they are."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.programs.npu_programs import everything

from velatune.testing.program import Program
from workers.errors import ModelError
from workers.ethos_u.command_stream import StreamError, decode
from workers.ethos_u.command_stream.commands import HEADER_BYTES, commands
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

ACCELERATORS = ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"]
TARGETS = {accelerator: Target.parse(accelerator) for accelerator in ACCELERATORS}
STREAMS = {
    (accelerator, name): compile_tosa(tosa, TARGETS[accelerator], operators=False).command_stream
    for accelerator in ACCELERATORS
    for name, tosa in everything(accelerator.rpartition("-")[0]).items()
}
every_stream = pytest.mark.parametrize(("accelerator", "name"), STREAMS, ids=lambda value: value.replace(" ", "-"))


@every_stream
def test_operations_add_up_and_repetition_changes_nothing(accelerator: str, name: str) -> None:
    stream = STREAMS[accelerator, name]
    cost = stream_cycles(decode(stream), TARGETS[accelerator])
    assert cost == stream_cycles(decode(bytes(stream)), Target.parse(accelerator))
    assert cost.total_cycles == sum(one.cycles for one in cost.operations) > 0
    assert all(0 <= one.start_cycles <= one.cycles for one in cost.operations)


@every_stream
def test_where_things_are_within_memory_costs_nothing(accelerator: str, name: str) -> None:
    stream = bytearray(STREAMS[accelerator, name])
    for command in commands(bytes(stream)):
        if command.name in ("NPU_SET_IFM_BASE0", "NPU_SET_OFM_BASE0", "NPU_SET_WEIGHT_BASE", "NPU_SET_IFM_ZERO_POINT"):
            at = HEADER_BYTES + command.offset + (4 if command.code & 0x4000 else 2)
            (value,) = struct.unpack_from("<H", stream, at)
            struct.pack_into("<H", stream, at, value ^ 0x40)
    moved = stream_cycles(decode(bytes(stream)), TARGETS[accelerator])
    assert moved == stream_cycles(decode(STREAMS[accelerator, name]), TARGETS[accelerator])


def test_a_program_costs_more_with_more_in_it() -> None:
    def cost(accelerator: str, convolutions: int) -> int:
        p = Program()
        x = p.input(1, 12, 12, 16)
        for _ in range(convolutions):
            x = p.conv(x, 16, (3, 3))
        stream = compile_tosa(p.tosa(x), TARGETS[accelerator], operators=False).command_stream
        return stream_cycles(decode(stream), TARGETS[accelerator]).total_cycles

    for accelerator in ACCELERATORS:
        costs = [cost(accelerator, count) for count in (1, 2, 3)]
        assert costs == sorted(set(costs))


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_a_slower_board_is_slower(accelerator: str) -> None:
    slower = {
        "ethos-u55-128": ("Ethos_U55_Deep_Embedded", "Shared_Sram"),
        "ethos-u65-256": ("Ethos_U65_Embedded", "Shared_Sram"),
        "ethos-u85-256": ("Ethos_U85_SYS_Flash_High", "Shared_Sram"),
    }
    decoded = decode(STREAMS[accelerator, "many weights"])
    fast = stream_cycles(decoded, TARGETS[accelerator])
    slow = stream_cycles(decoded, Target.parse(accelerator, *slower[accelerator]))
    assert slow.total_cycles > fast.total_cycles


def test_a_stream_for_another_npu_is_refused() -> None:
    with pytest.raises(ModelError, match="ethos-u55-128 has no price on ethos-u85-256"):
        stream_cycles(decode(STREAMS["ethos-u55-128", "conv"]), TARGETS["ethos-u85-256"])


def test_a_stream_without_operations_costs_nothing() -> None:
    head = bytearray(STREAMS["ethos-u55-128", "conv"][:HEADER_BYTES])
    struct.pack_into("<BH", head, HEADER_BYTES - 3, 0, 1)
    cost = stream_cycles(decode(bytes(head) + struct.pack("<I", 0xFFFF_0000)), TARGETS["ethos-u55-128"])
    assert (cost.total_cycles, cost.operations) == (0, ())


@given(data=st.data())
def test_damage_is_always_a_stream_error(data: st.DataObject) -> None:
    accelerator, name = data.draw(st.sampled_from(sorted(STREAMS)))
    damaged = bytearray(STREAMS[accelerator, name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(HEADER_BYTES, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    try:
        cost = stream_cycles(decode(bytes(damaged)), TARGETS[accelerator])
    except StreamError as error:
        assert "\n" not in str(error)
    else:
        assert cost.total_cycles >= 0
