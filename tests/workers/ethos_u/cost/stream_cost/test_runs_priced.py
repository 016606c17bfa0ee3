"""Long runs of operations are priced as one: with what pricing them one by one gives, number for number."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.streams.one_by_one import costs
from support.streams.word_by_word import ACCELERATORS, composed

from velatune.testing.program import Program
from workers.ethos_u.command_stream import StreamError, decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.cost.stream_cost.hardware.npu import npu_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

# Of U65's and U85's boards, what a byte takes is no whole number of cycles.
TARGETS = [*ACCELERATORS, "ethos-u55-32", "ethos-u65-512"]


def assert_priced_rightly(stream: bytes, target: Target) -> None:
    decoded = decode(stream)
    try:
        expected = costs(npu_of(target), decoded.operations)
    except StreamError as error:
        with pytest.raises(StreamError) as raised:
            stream_cycles(decoded, target)
        assert str(raised.value) == str(error)
    else:
        cost = stream_cycles(decoded, target)
        assert [(one.cycles, one.start_cycles) for one in cost.operations] == expected
        assert cost.total_cycles == sum(cycles for cycles, _ in expected)


@given(composed())
def test_any_operations(given: tuple[str, bytes]) -> None:
    accelerator, stream = given
    assert_priced_rightly(stream, Target.parse(accelerator))


@pytest.mark.parametrize("accelerator", TARGETS)
@pytest.mark.parametrize(("shape", "perms"), [((1, 24, 40, 8), (0, 3, 1, 2)), ((1, 9, 33, 20), (0, 3, 2, 1))])
def test_transposes_beside_copies_of_weights(shape: tuple[int, ...], perms: tuple[int, ...], accelerator: str) -> None:
    p = Program()
    x = p.conv(p.transpose(p.input(*shape), *perms), 40, (3, 3))
    tosa = p.tosa(p.conv(p.transpose(p.table(x), 0, 3, 1, 2), 32, (3, 3)))
    target = Target.parse(accelerator)
    stream = compile_tosa(tosa, target, operators=False).command_stream
    assert len(decode(stream).operations) > 3 * len(decode(stream).runs) or "u85" in accelerator
    assert_priced_rightly(stream, target)
