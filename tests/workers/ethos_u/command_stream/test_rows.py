"""Which row of Vela's table an operation belongs to."""

from __future__ import annotations

import pytest

from velatune.testing.program import Program
from workers.ethos_u.command_stream import Kind, StreamError, decode, rows_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_operations_follow_the_rows_and_copies_go_with_what_they_are_for(accelerator: str) -> None:
    p = Program()
    image = p.input(1, 3, 12, 12)
    flat = p.conv(p.transpose(image, 0, 2, 3, 1), 16, (3, 3))
    compiled = compile_tosa(p.tosa(p.max_pool(p.table(p.conv(flat, 32)), 2)), Target.parse(accelerator))
    decoded = decode(compiled.command_stream)
    operations, rows = decoded.operations, rows_of(decoded, compiled.operators)
    assert list(rows) == sorted(rows)
    expected = {
        "Transpose": {Kind.POOL}, "Conv2D": {Kind.CONV, Kind.DMA}, "MaxPool": {Kind.POOL}, "LUT": {Kind.POOL, Kind.DMA},
    }  # fmt: skip
    for operation, row in zip(operations, rows, strict=True):
        assert operation.kind in expected[compiled.operators[row].npu_op]
    # The last of a row's operations are the ones that Vela's table lists.
    for index, row in enumerate(compiled.operators):
        own = [one.offset for one, at in zip(operations, rows, strict=True) if at == index]
        assert bool(own) == bool(row.stream_offsets)
        assert not own or own[-1] == row.stream_offsets[-1]
    transposes = [row for row in rows if compiled.operators[row].npu_op == "Transpose"]
    assert len(transposes) > 1 if "u85" not in accelerator else len(transposes) == 1


def test_a_run_that_goes_over_the_end_of_a_row_is_shared_out() -> None:
    """Two transposes that are alike: nothing but addresses changes from the first one's last pool to the second's."""
    p = Program()
    images = p.input(1, 28, 28, 8), p.input(1, 28, 28, 8)
    tosa = p.tosa(*(p.transpose(image, 0, 1, 3, 2) for image in images))
    compiled = compile_tosa(tosa, Target.parse("ethos-u55-128"))
    decoded = decode(compiled.command_stream)
    (run,) = decoded.runs
    assert len(run.offsets) == len(decoded.operations) > 40
    ends = [row.stream_offsets[-1] for row in compiled.operators]
    assert len(ends) == 2 and ends == sorted(ends)
    assert list(rows_of(decoded, compiled.operators)) == [int(one.offset > ends[0]) for one in decoded.operations]


def test_copies_by_index_have_rows_of_their_own() -> None:
    p = Program()
    table, indices = p.input(1, 10, 16), p.input(1, 6, dtype="INT32")
    gathered = p.gather(table, indices)
    again = p.gather(p.reshape(p.add(gathered, gathered), 1, 6, 16), indices)
    compiled = compile_tosa(p.tosa(again), Target.parse("ethos-u85-256"))
    decoded = decode(compiled.command_stream)
    named = [compiled.operators[row].npu_op for row in rows_of(decoded, compiled.operators)]
    assert (
        [one.kind is Kind.DMA for one in decoded.operations]
        == [name == "Gather" for name in named]
        == [True, False, True]
    )


def test_rows_of_another_program_are_recognised() -> None:
    p = Program()
    image = p.input(1, 8, 8, 16)
    short = compile_tosa(p.tosa(p.max_pool(image, 2)), Target.parse("ethos-u55-128"))
    p = Program()
    long = compile_tosa(p.tosa(p.max_pool(p.conv(p.input(1, 8, 8, 16), 16), 2)), Target.parse("ethos-u55-128"))
    with pytest.raises(StreamError, match="no row"):
        rows_of(decode(long.command_stream), short.operators)
