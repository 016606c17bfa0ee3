"""Streams are decoded in bulk: what comes of it is what somebody finds who reads one word after the other."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.streams.word_by_word import ACCELERATORS, composed, read, stream_of

from velatune.testing.program import Program
from workers.ethos_u.command_stream import StreamError, decode
from workers.ethos_u.command_stream.commands import HEADER_BYTES
from workers.ethos_u.cost.stream_cost.operation.price import _FREE
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

words = st.one_of(
    st.sampled_from([0xFFFF_0000, 0x0000_0005, 0x4000, 0x4100, 0x4010, 0x0104, 0x0012, 0x0011, 0x00FF, 0xFFFF_4000]),
    st.integers(0, 2**32 - 1),
)


def assert_decoded_rightly(stream: bytes) -> None:
    try:
        expected = read(stream)
    except StreamError as error:
        with pytest.raises(StreamError) as raised:
            decode(stream)
        assert str(raised.value) == str(error)
    else:
        decoded = decode(stream)
        assert [
            (one.offset, one.parameter, dict(one.registers), one.kernel_wait, one.dma_wait)
            for one in decoded.operations
        ] == [(one.offset, one.parameter, one.registers, one.kernel_wait, one.dma_wait) for one in expected]
        kinds = [one.name.removeprefix("NPU_OP_").removesuffix("_START").lower() for one in expected]
        assert [one.kind for one in decoded.operations] == kinds


@given(composed())
def test_operations_of_a_whole_stream(given: tuple[str, bytes]) -> None:
    assert_decoded_rightly(given[1])


@given(composed(), st.data())
def test_operations_or_the_same_error_of_a_damaged_stream(given: tuple[str, bytes], data: st.DataObject) -> None:
    accelerator, stream = given
    found = list(struct.unpack_from(f"<{(len(stream) - HEADER_BYTES) // 4}I", stream, HEADER_BYTES))
    for _ in range(data.draw(st.integers(0, 3))):
        found[data.draw(st.integers(0, len(found) - 1))] = data.draw(words)
    assert_decoded_rightly(stream_of(accelerator, found[: data.draw(st.integers(0, len(found)))]))


@given(st.sampled_from(ACCELERATORS), st.lists(words, max_size=12))
def test_operations_or_the_same_error_of_any_words(accelerator: str, found: list[int]) -> None:
    assert_decoded_rightly(stream_of(accelerator, found))


@given(composed(), st.data())
def test_the_beginning_of_a_stream_whatever_comes_after_it(given: tuple[str, bytes], data: st.DataObject) -> None:
    whole = decode(given[1]).operations
    most = data.draw(st.integers(1, len(whole) + 2))
    if most > len(whole):
        assert decode(given[1], most).operations == whole
    else:
        kept = HEADER_BYTES + whole[most - 1].offset + 4
        damaged = given[1][:kept] + b"\xff" * (len(given[1]) - kept)
        assert decode(damaged, most).operations == whole[:most]


@given(composed())
def test_a_run_is_operations_with_one_price_and_nothing_to_wait_for(given: tuple[str, bytes]) -> None:
    decoded = decode(given[1])
    at = {one.offset: one for one in decoded.operations}
    assert [offset for run in decoded.runs for offset in run.offsets] == list(at)
    for run in decoded.runs:
        assert run.first == at[run.offsets[0]]
        for other in (at[offset] for offset in run.offsets[1:]):
            assert other.computes and other.kernel_wait is other.dma_wait is None
            assert (other.kind, other.parameter) == (run.first.kind, run.first.parameter)
            assert other.registers.pick(_FREE) == run.first.registers.pick(_FREE)


def test_a_large_transpose_is_one_run() -> None:
    p = Program()
    tosa = p.tosa(p.transpose(p.input(1, 28, 28, 8), 0, 1, 3, 2))
    stream = compile_tosa(tosa, Target.parse("ethos-u55-128"), operators=False).command_stream
    (run,) = decode(stream).runs
    assert len(run.offsets) > 20


@given(composed())
def test_addresses_of_runs_are_those_of_their_operations(given: tuple[str, bytes]) -> None:
    decoded = decode(given[1])
    number = 0
    for run in decoded.runs:
        operations = decoded.operations[number : number + len(run.offsets)]
        number += len(run.offsets)
        moved = decoded.addresses(run)
        for name in {name for one in operations for name in one.registers if "_BASE" in name}:
            expected = [
                one.registers.number(name.removeprefix("NPU_SET_")) for one in operations if name in one.registers
            ]
            found = moved.get(name, [expected[0]] * len(operations))
            assert list(found)[-len(expected) :] == expected
